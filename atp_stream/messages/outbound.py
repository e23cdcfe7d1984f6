"""Domain events to Kafka records: Confluent-framed Avro, or the seed's JSON envelope.

Law: the record is a function of the event, the partition and the genesis; nothing in it is random or read from a
clock. Ids are names: of genesis, partition, offset and ordinal, and for availability of genesis, item, channel and
version, so that a consumer knows the same publication again however the log was cut into steps.

Avro is written by hand: the schemas are flat records of strings, one long and decimals, and a generic encoder takes
ten times as long. The tests hold these bytes against fastavro's.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from atp_stream.domain import names, quantity
from atp_stream.domain.events import (
    AllocationCommitted,
    AllocationReleased,
    AvailabilityCalculated,
    ReservationDenied,
)
from atp_stream.messages.amounts import to_decimal
from atp_stream.messages.errors import SchemaMissing
from atp_stream.settings import Wire

Published: TypeAlias = AvailabilityCalculated | AllocationCommitted | AllocationReleased | ReservationDenied
Headers: TypeAlias = list[tuple[str, bytes]]

VERSION_HEADER: Final = "atp-version"
CAUSE_HEADER: Final = "atp-cause"
GENESIS_HEADER: Final = "atp-genesis"


class Role(StrEnum):
    """What an output topic is for."""

    AVAILABILITY = "availability"
    COMMITTED = "committed"
    RELEASED = "released"
    DENIED = "denied"


EVENTS: Final[Mapping[Role, str]] = {
    Role.AVAILABILITY: "AvailabilityCalculatedEvent",
    Role.COMMITTED: "AllocationCommittedEvent",
    Role.RELEASED: "AllocationReleasedEvent",
    Role.DENIED: "ReservationDeniedEvent",
}
"""The event, and so the schema, of each output topic."""


class OutRecord(NamedTuple):
    """A record to be produced; the topic follows from the role."""

    role: Role
    key: bytes
    value: bytes
    headers: Headers


class _Content(NamedTuple):
    """What a record says, between the event and its wire: `fields` are the schema's behind the tenant, in order."""

    role: Role
    key: str
    event_id: str
    tenant: str
    fields: tuple[tuple[str, str | int], ...]


class _Envelope(msgspec.Struct):
    eventType: str  # noqa: N815 - the wire's own name
    eventId: str  # noqa: N815
    timestamp: int
    tenantId: str  # noqa: N815
    payload: dict[str, str | msgspec.Raw]


class Outbound:
    """Encodes what happened; one for a worker.

    `schema_ids` are the registry's ids of the four output schemas; they are not read when the form is JSON.

    Raises:
        SchemaMissing: the form is Avro, and one of them is not there.
    """

    def __init__(self, genesis: str, form: Wire, schema_ids: Mapping[Role, int]) -> None:
        missing = [EVENTS[role] for role in Role if form is Wire.AVRO and role not in schema_ids]
        if missing:
            raise SchemaMissing(f"the registry has no schema of {' and '.join(missing)} as we write it: run `atp init`")
        self._genesis = genesis
        self._genesis_header = (GENESIS_HEADER, genesis.encode())
        self._hash = blake2b(genesis.encode() + b"|", digest_size=16)
        self._json = form is Wire.JSON
        self._frames = {} if self._json else {role: b"\0" + schema_ids[role].to_bytes(4, "big") for role in Role}
        self._stamp = (0, _long(0))

    def encode(self, event: Published, partition: int) -> OutRecord:
        """Return the record of an event of this log partition."""
        content = _CONTENTS[type(event)](self, event, partition)
        value = self._envelope(content, event.at) if self._json else self._avro(content, event.at)
        headers = [
            (VERSION_HEADER, b"%d" % event.version),
            (CAUSE_HEADER, b"%d-%d" % (partition, event.offset)),
            self._genesis_header,
        ]
        return OutRecord(content.role, content.key.encode(), value, headers)

    def _avro(self, content: _Content, at: int) -> bytes:
        if self._stamp[0] != at:  # one step mostly has one log time
            self._stamp = (at, _long(at))
        parts = [self._frames[content.role], _text(content.event_id), self._stamp[1], _text(content.tenant)]
        for _, field in content.fields:
            parts.append(_text(field) if isinstance(field, str) else _decimal(field))
        return b"".join(parts)

    def _envelope(self, content: _Content, at: int) -> bytes:
        payload = {
            name: field if isinstance(field, str) else msgspec.Raw(quantity.show(field).encode())
            for name, field in content.fields
        }
        return msgspec.json.encode(_Envelope(EVENTS[content.role], content.event_id, at, content.tenant, payload))

    def _availability(self, event: AvailabilityCalculated, _: int) -> _Content:
        tenant, item = names.split(event.name)
        key = f"{event.name}|{names.encode(event.channel)}"
        name = self._hash.copy()
        name.update(f"{key}|{event.version}".encode())
        return _Content(
            Role.AVAILABILITY,
            key,
            name.hexdigest(),
            tenant,
            (
                ("itemId", item),
                ("channel", event.channel),
                ("available", event.available),
                ("reserved", event.reserved),
            ),
        )

    def _committed(self, event: AllocationCommitted, partition: int) -> _Content:
        tenant, item = names.split(event.name)
        event_id = f"{self._genesis}-{partition}-{event.offset}-{event.ordinal}"
        return _Content(
            Role.COMMITTED,
            event.name,
            event_id,
            tenant,
            (
                ("allocationId", f"alloc-{event_id}"),
                ("itemId", item),
                ("channel", event.channel),
                ("quantity", event.quantity),
            ),
        )

    def _released(self, event: AllocationReleased, partition: int) -> _Content:
        tenant, item = names.split(event.name)
        offset, ordinal = event.allocation
        return _Content(
            Role.RELEASED,
            event.name,
            f"{self._genesis}-{partition}-{event.offset}-{event.ordinal}",
            tenant,
            (
                ("allocationId", f"alloc-{self._genesis}-{partition}-{offset}-{ordinal}"),
                ("itemId", item),
                ("channel", event.channel),
                ("quantity", event.quantity),
                ("reason", event.reason.value),
                ("reservationId", event.reservation),
            ),
        )

    def _denied(self, event: ReservationDenied, partition: int) -> _Content:
        tenant, item = names.split(event.name)
        return _Content(
            Role.DENIED,
            event.name,
            f"{self._genesis}-{partition}-{event.offset}-{event.ordinal}",
            tenant,
            (
                ("reservationId", event.reservation),
                ("itemId", item),
                ("channel", event.channel),
                ("quantity", event.quantity),
                ("outcome", event.outcome.value),
                ("reason", event.reason),
            ),
        )


_CONTENTS: Final[dict[type, Callable[[Outbound, Any, int], _Content]]] = {
    AvailabilityCalculated: Outbound._availability,  # noqa: SLF001 - one table instead of a chain of ifs per event
    AllocationCommitted: Outbound._committed,  # noqa: SLF001
    AllocationReleased: Outbound._released,  # noqa: SLF001
    ReservationDenied: Outbound._denied,  # noqa: SLF001
}


def _long(number: int) -> bytes:
    """Return Avro's long: zigzag, then seven bits a byte, low end first."""
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    coded = bytearray()
    while rest > 127:  # noqa: PLR2004 - seven bits
        coded.append(rest & 127 | 128)
        rest >>= 7
    coded.append(rest)
    return bytes(coded)


_LENGTHS: Final = [_long(length) for length in range(1024)]


def _text(text: str) -> bytes:
    coded = text.encode()
    length = len(coded)
    return (_LENGTHS[length] if length < len(_LENGTHS) else _long(length)) + coded


def _decimal(hundredths: int) -> bytes:
    coded = to_decimal(hundredths)
    return _LENGTHS[len(coded)] + coded
