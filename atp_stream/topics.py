"""Every topic once: name, key, partitions and configuration.

Inputs belong to upstream: their partition counts and keys are never assumed, and `atp init` creates one only where it
is missing. All others are ours: their counts are part of the contract, and a difference is drift. Policy
changes are read like an input, but the topic is ours: it has one partition, so that they have one order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from atp_stream.messages.input_events import InputKind
from atp_stream.messages.outbound import Role
from atp_stream.settings import Settings

LOG_PARTITIONS = 6
WHOLE_PARTITION = b"|"  # the key of what concerns no single item of the log: tenant and item are empty
MAX_MESSAGE_BYTES = 1_048_588  # Kafka's default, stated because the step engine keeps its batches below it
BOUNDED: Mapping[str, str] = {
    "compression.type": "uncompressed",
    "max.message.bytes": str(MAX_MESSAGE_BYTES),
}
"""What an input is created with. A broker holds the compressed size against its limit, and a megabyte may unpack to a
gigabyte in the worker; where it has to unpack first, it holds the full size. Producers may compress all the same."""
_HOUR_MS = 3_600_000
TOMBSTONE_RETENTION_MS = 7 * 24 * _HOUR_MS  # a data directory unused for half of this is restored from nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as `atp init` creates it; `key` says in words what its records are keyed by."""

    name: str
    key: str
    partitions: int
    config: Mapping[str, str]
    ours: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """All topics of one application."""

    adjusted: Topic
    counted: Topic
    created: Topic
    confirmed: Topic
    released: Topic
    fulfilled: Topic
    supply_scheduled: Topic
    supply_changed: Topic
    supply_cancelled: Topic
    supply_received: Topic
    policy: Topic
    item_log: Topic
    state_changelog: Topic
    owners: Topic
    availability_calculated: Topic
    allocation_committed: Topic
    allocation_released: Topic
    reservation_denied: Topic
    reservation_promised: Topic
    availability_projected: Topic
    stock_drift: Topic
    dead_letter: Topic

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the topics under the names that `settings` gives them."""
        durable = {"min.insync.replicas": str(settings.min_isr)}
        safe = {**durable, "unclean.leader.election.enable": "false"}
        return cls(**_upstream(settings, durable), **_log_and_state(settings, safe), **_published(settings, safe))

    @property
    def every(self) -> tuple[Topic, ...]:
        """All of them, in the order in which a message passes them."""
        return tuple(getattr(self, f.name) for f in fields(self))

    @property
    def inputs(self) -> tuple[Topic, ...]:
        """What intake reads: what upstream writes, and policy changes."""
        return (*(topic for topic in self.every if not topic.ours), self.policy)

    @property
    def kinds(self) -> dict[str, InputKind]:
        """What each input carries, by the name of its topic."""
        return {
            self.adjusted.name: InputKind.ADJUSTED,
            self.counted.name: InputKind.COUNTED,
            self.created.name: InputKind.CREATED,
            self.confirmed.name: InputKind.CONFIRMED,
            self.released.name: InputKind.RELEASED,
            self.fulfilled.name: InputKind.FULFILLED,
            self.supply_scheduled.name: InputKind.SUPPLY_SCHEDULED,
            self.supply_changed.name: InputKind.SUPPLY_CHANGED,
            self.supply_cancelled.name: InputKind.SUPPLY_CANCELLED,
            self.supply_received.name: InputKind.SUPPLY_RECEIVED,
            self.policy.name: InputKind.POLICY,
        }

    @property
    def outputs(self) -> tuple[Topic, ...]:
        """What downstream reads."""
        return (
            self.availability_calculated,
            self.allocation_committed,
            self.allocation_released,
            self.reservation_denied,
            self.reservation_promised,
            self.availability_projected,
            self.stock_drift,
        )

    @property
    def of_roles(self) -> dict[Role, tuple[str, int]]:
        """Name and number of partitions of the topic of each role."""
        found = {
            Role.AVAILABILITY: self.availability_calculated,
            Role.COMMITTED: self.allocation_committed,
            Role.RELEASED: self.allocation_released,
            Role.DENIED: self.reservation_denied,
            Role.PROMISED: self.reservation_promised,
            Role.PROJECTED: self.availability_projected,
            Role.DRIFT_DETECTED: self.stock_drift,
            Role.DRIFT_RESOLVED: self.stock_drift,
        }
        return {role: (topic.name, topic.partitions) for role, topic in found.items()}


def _upstream(settings: Settings, durable: Mapping[str, str]) -> dict[str, Topic]:
    """Return the inputs that upstream owns."""

    def source(name: str, key: str, partitions: int = 6) -> Topic:
        return Topic(name=name, key=key, partitions=partitions, config={**durable, **BOUNDED}, ours=False)

    return {
        "adjusted": source(settings.topic_adjusted, "none"),
        "counted": source(settings.topic_counted, "any"),
        "created": source(settings.topic_created, "any", 12),
        "confirmed": source(settings.topic_confirmed, "any"),
        "released": source(settings.topic_released, "any"),
        "fulfilled": source(settings.topic_fulfilled, "any"),
        "supply_scheduled": source(settings.topic_supply_scheduled, "any"),
        "supply_changed": source(settings.topic_supply_changed, "any"),
        "supply_cancelled": source(settings.topic_supply_cancelled, "any"),
        "supply_received": source(settings.topic_supply_received, "any"),
    }


def _log_and_state(settings: Settings, safe: Mapping[str, str]) -> dict[str, Topic]:
    """Return our topics that workers read: policy changes, the item log, the state and its owners."""
    prefix, app_id = settings.topic_prefix, settings.app_id
    policy = {**safe, **BOUNDED, "cleanup.policy": "delete", "retention.ms": "-1"}
    # Never `delete`: "no owner" is not "no owner any more". A segment in use is not compacted.
    owners = {**safe, "cleanup.policy": "compact", "segment.ms": str(_HOUR_MS)}
    return {
        "policy": Topic(name=f"{prefix}inventory.atp.policy", key="none", partitions=1, config=policy),
        "item_log": Topic(
            name=f"{prefix}inventory.atp.item-log",
            key="tenant|item",
            partitions=LOG_PARTITIONS,
            config=_item_log(settings, safe),
        ),
        "state_changelog": Topic(
            name=f"{app_id}-state-changelog", key="tenant|item|row", partitions=LOG_PARTITIONS, config=_changelog(safe)
        ),
        "owners": Topic(name=f"{app_id}-owners", key="partition", partitions=LOG_PARTITIONS, config=owners),
    }


def _published(settings: Settings, safe: Mapping[str, str]) -> dict[str, Topic]:
    """Return the topics that downstream reads, and that of the dead letters."""
    newest = {**safe, "cleanup.policy": "compact"}
    events = {**safe, "cleanup.policy": "delete", "retention.ms": str(settings.event_retention)}

    def output(name: str, key: str, partitions: int, config: Mapping[str, str]) -> Topic:
        return Topic(name=f"{settings.topic_prefix}inventory.atp.{name}", key=key, partitions=partitions, config=config)

    return {
        "availability_calculated": output("availability.calculated", "tenant|item|channel", 6, newest),
        "allocation_committed": output("allocation.committed", "tenant|item", 6, events),
        "allocation_released": output("allocation.released", "tenant|item", 3, events),
        "reservation_denied": output("reservation.denied", "tenant|item", 3, events),
        "reservation_promised": output("reservation.promised", "tenant|item", 6, events),
        "availability_projected": output("availability.projected", "tenant|item|channel", 6, newest),
        "stock_drift": output("stock.drift", "tenant|item", 3, events),
        "dead_letter": output("dead-letter", "as it came", 3, _dead_letter(settings, safe)),
    }


def _item_log(settings: Settings, safe: Mapping[str, str]) -> dict[str, str]:
    return {
        **safe,
        "cleanup.policy": "delete",
        "retention.ms": str(settings.item_log_retention),
        "retention.bytes": "-1",  # a size limit would cut the log under a worker that is away
        "message.timestamp.type": "LogAppendTime",  # log time is what decides expiry: one clock, the broker's
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
    }


def _changelog(safe: Mapping[str, str]) -> dict[str, str]:
    return {
        **safe,
        "cleanup.policy": "compact",
        "delete.retention.ms": str(TOMBSTONE_RETENTION_MS),
        "segment.bytes": str(64 * 1024 * 1024),  # the segment in use is never compacted, so a large one slows recovery
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
    }


def _dead_letter(settings: Settings, safe: Mapping[str, str]) -> dict[str, str]:
    return {
        **safe,
        "cleanup.policy": "delete",
        "retention.ms": str(settings.dead_letter_retention),
        "max.message.bytes": str(2 * MAX_MESSAGE_BYTES),  # the largest message there is, with reasons around it
    }
