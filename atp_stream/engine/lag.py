"""What can be read off a running engine without asking Kafka: how far it is, and what waits."""

from collections.abc import Iterable

from faust.types import TP

from atp_stream.engine.app import EngineApp


def log_behind(app: EngineApp) -> dict[int, int]:
    """Return how many records of each owned log partition are not applied yet, as far as the worker knows."""
    found = {}
    for partition, applied in log_positions(app).items():
        end = end_of(app, TP(app.log_topic, partition))
        if end is not None:
            found[partition] = max(0, end - 1 - applied)
    return found


def log_positions(app: EngineApp) -> dict[int, int]:
    """Return the offset that each owned log partition is applied up to; -1 for nothing yet."""
    positions = {partition: app.steps.position(partition) for partition in app.steps.owned()}
    return {partition: found.applied for partition, found in positions.items() if found is not None}


def sources_behind(app: EngineApp) -> dict[TP, int]:
    """Return how many records of each source partition that is read here are not in the item log yet."""
    found = {}
    for tp, accepted in dict(app.expected).items():
        if tp.topic != app.log_topic:
            end = end_of(app, tp)
            if end is not None:
                found[tp] = max(0, end - accepted) + app.intake.waiting(tp)
    return found


def sources_missing(app: EngineApp, topics: Iterable[str]) -> list[str]:
    """Return those of the source topics that the broker does not have, as far as the worker knows."""
    if not app.settled:  # before a first answer of the broker nothing is known of any topic
        return []
    cluster = app.consumer._thread._consumer._client.cluster
    return sorted(topic for topic in topics if not cluster.partitions_for_topic(topic))


def why_missing(topic: str) -> str:
    """Return what is wrong when a source topic is missing, and what to do."""
    return f"the input topic {topic} does not exist: nothing is read from it, and no time limit ends; run `atp init`"


def end_of(app: EngineApp, tp: TP) -> int | None:
    """Return where a partition ended at the last fetch; None if nothing was fetched of it yet."""
    thread = app.consumer._thread
    consumer = None if thread is None else thread._consumer
    if consumer is None:
        return None
    assignment = consumer._subscription.subscription.assignment if consumer._subscription.subscription else None
    if assignment is None or tp not in assignment.tps:
        return None
    end: int | None = assignment.state_value(tp).highwater
    return end


def records_to_restore(app: EngineApp) -> int:
    """Return how many changelog records have still to be read before the owned state is restored."""
    return int(app.tables.recovery.active_remaining_total())
