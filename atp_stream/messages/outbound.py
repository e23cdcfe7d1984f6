"""Domain events to Kafka records: Confluent-framed Avro, or the seed's JSON envelope.

Law: the record is a function of the event, the partition and the genesis; nothing in it is random or read from a
clock. Ids are names: of genesis, partition, offset and ordinal (and of the item, where a policy or a tick is the cause
of events of many), and for availability of genesis, item, channel and version, so that a consumer knows the same
publication again however the log was cut into steps.

Avro is written by hand: the schemas are flat records of strings, longs and decimals, and a generic encoder takes
ten times as long. The tests hold these bytes against fastavro's.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import msgspec

from atp_stream.domain import names
from atp_stream.domain.events import (
    OF_MANY,
    AllocationCommitted,
    AllocationReleased,
    AvailabilityCalculated,
    AvailabilityProjected,
    Published,
    ReservationDenied,
    ReservationPromised,
    StockDrifted,
)
from atp_stream.messages.errors import SchemaMissing
from atp_stream.messages.output_values import (
    LENGTHS,
    LONG_TEXT,
    NO_DAY,
    NULL,
    THERE,
    Day,
    Millis,
    OptionalDay,
    Quantities,
    Steps,
    Value,
    avro_amount,
    avro_by_day,
    avro_long,
    json_text,
)
from atp_stream.records import Headers, Output
from atp_stream.settings import Wire

VERSION_HEADER: Final = "atp-version"
CAUSE_HEADER: Final = "atp-cause"
GENESIS_HEADER: Final = "atp-genesis"
RESERVATION_HEADER: Final = "atp-reservation"
"""Whose units an AllocationCommittedEvent promises: its schema, which is not ours, has no field for that."""


class Role(StrEnum):
    """What an output record is for; the last two share a topic."""

    __hash__ = str.__hash__  # that of an enum is Python code, and asked for by every event

    AVAILABILITY = "availability"
    COMMITTED = "committed"
    RELEASED = "released"
    DENIED = "denied"
    PROMISED = "promised"
    PROJECTED = "projected"
    DRIFT_DETECTED = "drift_detected"
    DRIFT_RESOLVED = "drift_resolved"


EVENTS: Final[Mapping[Role, str]] = {
    Role.AVAILABILITY: "AvailabilityCalculatedEvent",
    Role.COMMITTED: "AllocationCommittedEvent",
    Role.RELEASED: "AllocationReleasedEvent",
    Role.DENIED: "ReservationDeniedEvent",
    Role.PROMISED: "ReservationPromisedEvent",
    Role.PROJECTED: "AvailabilityProjectedEvent",
    Role.DRIFT_DETECTED: "StockDriftDetectedEvent",
    Role.DRIFT_RESOLVED: "StockDriftResolvedEvent",
}
"""The event, and so the schema, of each role."""


_Content: TypeAlias = tuple[Role, bytes, bytes, bytes, tuple[Value, ...]]
"""Role, key, event id, tenant, and the values of the schema's fields behind the tenant, in their order: what a record
says, before the wire says how. A plain tuple of UTF-8 and of numbers: this is the hot path."""

_FIELDS: Final[Mapping[Role, tuple[str, ...]]] = {
    Role.AVAILABILITY: ("itemId", "channel", "available", "reserved"),
    Role.COMMITTED: ("allocationId", "itemId", "channel", "quantity"),
    Role.RELEASED: ("allocationId", "itemId", "channel", "quantity", "reason", "reservationId"),
    Role.DENIED: ("reservationId", "itemId", "channel", "quantity", "outcome", "reason"),
    Role.PROMISED: (
        "reservationId",
        "itemId",
        "channel",
        "requestedDate",
        "lines",
        "waiting",
        "allocated",
        "reason",
    ),
    Role.PROJECTED: ("itemId", "channel", "asOf", "horizon", "now", "steps"),
    Role.DRIFT_DETECTED: ("itemId", "gap", "onHand", "since"),
    Role.DRIFT_RESOLVED: ("itemId", "onHand", "since"),
}


class _Envelope(msgspec.Struct):
    eventType: str  # noqa: N815 - the wire's own name
    eventId: str  # noqa: N815
    timestamp: int
    tenantId: str  # noqa: N815
    payload: dict[str, str | msgspec.Raw]


class Outbound:
    """Encodes what happened; one for a worker.

    `schema_ids` are the registry's ids of the output schemas; they are not read when the form is JSON. `topics` are
    name and number of partitions of each role's topic.

    Raises:
        SchemaMissing: the form is Avro, and one of them is not there.
    """

    def __init__(
        self, genesis: str, form: Wire, schema_ids: Mapping[Role, int], topics: Mapping[Role, tuple[str, int]]
    ) -> None:
        missing = [EVENTS[role] for role in Role if form is Wire.AVRO and role not in schema_ids]
        if missing:
            raise SchemaMissing(f"the registry has no schema of {' and '.join(missing)} as we write it: run `atp init`")
        self._genesis = genesis.encode()
        self._genesis_header = (GENESIS_HEADER, self._genesis)
        self._hash = blake2b(self._genesis + b"|", digest_size=16)
        self._json = form is Wire.JSON
        self._frames = {role: b"" if self._json else b"\0" + schema_ids[role].to_bytes(4, "big") for role in Role}
        self._topics = topics
        self._stamp = (0, avro_long(0))
        self._cause: tuple[int, int, int] | None = None
        self._last_headers: Headers = []

    def encode(self, event: Published, partition: int) -> Output:
        """Return the record of an event of this log partition.

        All of an item goes where its log partition is, so a step writes to few partitions, and a topic with fewer of
        them still holds an item in one: hash % 6 % 3 is hash % 3.
        """
        role, key, event_id, tenant, values = _CONTENTS[type(event)](self, event, partition)
        if self._json:
            value = _envelope(role, event_id, event.log_time_ms, tenant, values)
        else:
            value = self._avro(self._frames[role], event_id, event.log_time_ms, tenant, values)
        headers = self._headers(event.version, partition, event.offset)
        if isinstance(event, AllocationCommitted):
            headers = [*headers, (RESERVATION_HEADER, event.reservation.encode())]
        topic, partitions = self._topics[role]
        return Output(topic, partition % partitions, key, value, headers, EVENTS[role])

    def _headers(self, version: int, partition: int, offset: int) -> Headers:
        """Return the headers; the channels of an item mostly change together, so they have the same."""
        cause = version, partition, offset
        if self._cause != cause:
            self._cause = cause
            self._last_headers = [
                (VERSION_HEADER, b"%d" % version),
                (CAUSE_HEADER, b"%d-%d" % (partition, offset)),
                self._genesis_header,
            ]
        return self._last_headers

    def _avro(self, frame: bytes, event_id: bytes, at_ms: int, tenant: bytes, values: tuple[Value, ...]) -> bytes:
        if self._stamp[0] != at_ms:  # one step mostly has one log time
            self._stamp = (at_ms, avro_long(at_ms))
        parts = [frame, LENGTHS[len(event_id)], event_id, self._stamp[1], LENGTHS[len(tenant)], tenant]
        for value in values:
            if isinstance(value, bytes):
                parts += (LENGTHS[len(value)] if len(value) < LONG_TEXT else avro_long(len(value)), value)
            elif type(value) is int:
                parts.append(avro_amount(value))
            elif isinstance(value, Quantities):
                parts.append(avro_by_day(value))
            elif type(value) is OptionalDay:
                parts.append(NULL if value == NO_DAY else THERE + avro_long(value))
            else:
                parts.append(avro_long(value))
        return b"".join(parts)

    def _availability(self, event: AvailabilityCalculated, _: int) -> _Content:
        name, tenant, item = _named(event.name)
        channel, key_part = _channel(event.channel)
        key = name + key_part
        hashed = self._hash.copy()
        hashed.update(b"%b|%d" % (key, event.version))
        values = item, channel, event.available, event.reserved
        return Role.AVAILABILITY, key, hashed.hexdigest().encode(), tenant, values

    def _committed(self, event: AllocationCommitted, partition: int) -> _Content:
        name, tenant, item = _named(event.name)
        event_id = _event_id(self._genesis, name, partition, event.offset, event.ordinal)
        values = b"alloc-" + event_id, item, _channel(event.channel)[0], event.quantity
        return Role.COMMITTED, name, event_id, tenant, values

    def _released(self, event: AllocationReleased, partition: int) -> _Content:
        name, tenant, item = _named(event.name)
        allocation = b"alloc-" + _event_id(self._genesis, name, partition, *event.allocation)
        event_id = _event_id(self._genesis, name, partition, event.offset, event.ordinal)
        said = event.channel.encode(), event.quantity, event.reason.encode(), event.reservation.encode()
        return Role.RELEASED, name, event_id, tenant, (allocation, item, *said)

    def _denied(self, event: ReservationDenied, partition: int) -> _Content:
        name, tenant, item = _named(event.name)
        event_id = _event_id(self._genesis, name, partition, event.offset, event.ordinal)
        said = event.channel.encode(), event.quantity, event.outcome.encode(), event.reason.encode()
        return Role.DENIED, name, event_id, tenant, (event.reservation.encode(), item, *said)

    def _promised(self, event: ReservationPromised, partition: int) -> _Content:
        name, tenant, item = _named(event.name)
        event_id = _event_id(self._genesis, name, partition, event.offset, event.ordinal)
        wanted = NO_DAY if event.wanted is None else OptionalDay(event.wanted)
        said = wanted, Quantities(event.lines), event.waiting, event.allocated, event.reason.encode()
        return Role.PROMISED, name, event_id, tenant, (event.reservation.encode(), item, event.channel.encode(), *said)

    def _projected(self, event: AvailabilityProjected, _: int) -> _Content:
        name, tenant, item = _named(event.name)
        channel, key_part = _channel(event.channel)
        key = name + key_part
        hashed = self._hash.copy()
        hashed.update(b"%b|%d|by day" % (key, event.version))
        said = Day(event.today), Day(event.until), event.now, Steps(event.steps)
        return Role.PROJECTED, key, hashed.hexdigest().encode(), tenant, (item, channel, *said)

    def _drifted(self, event: StockDrifted, partition: int) -> _Content:
        name, tenant, item = _named(event.name)
        event_id = _event_id(self._genesis, name, partition, event.offset, event.ordinal)
        since = Millis(event.since_ms)
        if event.resolved:
            return Role.DRIFT_RESOLVED, name, event_id, tenant, (item, event.on_hand, since)
        return Role.DRIFT_DETECTED, name, event_id, tenant, (item, event.gap, event.on_hand, since)


def allocation_id(genesis: str, name: str, partition: int, offset: int, ordinal: int) -> str:
    """Return the id of the allocation of an item that was committed as this event of this log record."""
    return f"alloc-{_event_id(genesis.encode(), name.encode(), partition, offset, ordinal).decode()}"


def _event_id(genesis: bytes, name: bytes, partition: int, offset: int, ordinal: int) -> bytes:
    if ordinal >= 0:
        return b"%b-%d-%d-%d" % (genesis, partition, offset, ordinal)
    of_item = blake2b(name, digest_size=16).hexdigest().encode()
    return b"%b-%d-%d-%d-%b" % (genesis, partition, offset, ordinal - OF_MANY, of_item)


def _envelope(role: Role, event_id: bytes, at_ms: int, tenant: bytes, values: tuple[Value, ...]) -> bytes:
    payload = {
        name: value.decode() if isinstance(value, bytes) else msgspec.Raw(json_text(value).encode())
        for name, value in zip(_FIELDS[role], values, strict=True)
    }
    return msgspec.json.encode(_Envelope(EVENTS[role], event_id.decode(), at_ms, tenant.decode(), payload))


_CONTENTS: Final[dict[type, Callable[[Outbound, Any, int], _Content]]] = {
    AvailabilityCalculated: Outbound._availability,  # noqa: SLF001 - one table instead of a chain of ifs per event
    AllocationCommitted: Outbound._committed,  # noqa: SLF001
    AllocationReleased: Outbound._released,  # noqa: SLF001
    ReservationDenied: Outbound._denied,  # noqa: SLF001
    ReservationPromised: Outbound._promised,  # noqa: SLF001
    AvailabilityProjected: Outbound._projected,  # noqa: SLF001
    StockDrifted: Outbound._drifted,  # noqa: SLF001
}


@lru_cache(maxsize=16_384)
def _named(name: str) -> tuple[bytes, bytes, bytes]:
    """Return an item's name, its tenant and its item; cached, because busy items recur."""
    tenant, item = names.split(name)
    return name.encode(), tenant.encode(), item.encode()


@lru_cache(maxsize=1_024)
def _channel(channel: str) -> tuple[bytes, bytes]:
    """Return a channel, and how it ends a key."""
    return channel.encode(), f"|{names.encode(channel)}".encode()
