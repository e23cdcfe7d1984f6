"""Which worker answers for a row, and whether this one still may.

A worker answers as owner only while the group believes in it: while the last heartbeat that the group accepted
is younger than the session timeout, less a second for the clocks. A worker that was frozen and woken after its
partitions went elsewhere therefore says 503 rather than something old.
"""

import time
from typing import Final, NamedTuple

from yarl import URL

from atp_stream.engine.app import EngineApp

LEASE_MARGIN_S: Final = 1.0
"""What the clocks may differ by."""


class NotServing(Exception):
    """Nobody can answer right now; `str(error)` says why."""


class Here(NamedTuple):
    """This worker owns the rows of this partition of the log."""

    partition: int


class Elsewhere(NamedTuple):
    """Another worker owns them."""

    url: URL


def lease_left_s(app: EngineApp) -> float:
    """Return the seconds for which this worker may still answer as owner; not above zero: it may not."""
    session_s: float = app.conf.broker_session_timeout
    return float(app.consumer.last_heartbeat + session_s - LEASE_MARGIN_S - time.monotonic())


def locate(app: EngineApp, partition: int) -> Here | Elsewhere:
    """Return who owns the rows of a partition of the log.

    Raises:
        NotServing: partitions are moving, state is being restored, the group has not heard of us lately, or a step
            failed, so that its rows may be behind what was published.
    """
    if app.has_lost_track:
        raise NotServing("this worker has lost track of its state and is shutting down")
    if not app.settled:
        raise NotServing("partitions are moving between workers, or their state is being restored")
    if lease_left_s(app) <= 0:
        raise NotServing("the group has not confirmed this worker lately")
    if partition in app.steps.owned():
        return Here(partition)
    # Faust's own router hashes whole table keys, and asks a producer that does not know the topic; the log is
    # partitioned by item, and every member of the group is told who holds which changelog partition.
    topic = app.table.changelog_topic_name
    for url, topics in app.assignor.tables_metadata().items():
        if partition in topics.get(topic, ()):
            if URL(url).authority == URL(str(app.conf.canonical_url)).authority:
                raise NotServing("this worker is taking over the partition")
            return Elsewhere(URL(url))
    raise NotServing("the owner is not known yet")
