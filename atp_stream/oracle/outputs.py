"""What was published, read from the output records themselves."""

import json
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from atp_stream.oracle import avro
from atp_stream.oracle.history import Record

CAUSE = "atp-cause"
VERSION = "atp-version"
RESERVATION = "atp-reservation"


class Unreadable(Exception):
    """An output that no consumer could read."""


class Event(NamedTuple):
    """One published event; `cause` is (partition, offset) in the item log.

    `reservation` is that of a commit, whose body does not name it.
    """

    event_type: str
    event_id: str
    tenant: str
    item: str
    cause: tuple[int, int]
    version: int
    payload: Mapping[str, Any]
    reservation: str | None = None

    def units(self, name: str) -> int:
        """Return a quantity in whole hundredths."""
        return int(Decimal(self.payload[name]) * 100)

    def day(self, name: str) -> int | None:
        """Return a day, counted from 1970-01-01."""
        return _day(self.payload[name])

    def by_day(self, name: str, units: str) -> tuple[tuple[int, int], ...]:
        """Return a list of days, each with its quantity in whole hundredths."""
        return tuple((_day(one["date"]) or 0, int(Decimal(one[units]) * 100)) for one in self.payload[name])


def _day(found: Any) -> int | None:
    return (date.fromisoformat(found) - date(1970, 1, 1)).days if isinstance(found, str) else found


def read_event(record: Record, event_types: Collection[str], schemas: Mapping[int, Any]) -> Event:
    """Return the event of an output record.

    Raises:
        Unreadable: it is not in either wire form, not of its topic's types, or does not name its cause.
    """
    value = record.value or b""
    try:
        number = avro.schema_id(value)
        if number is not None:
            schema = schemas[number]
            fields = avro.decode(value[avro.FRAME :], schema)
            name, head, payload = schema["name"].rpartition(".")[2], fields, fields
        else:
            head = json.loads(value, parse_float=Decimal)
            name, payload = head["eventType"], head["payload"]
        if name not in event_types:
            raise Unreadable(f"a {name}")
        partition, offset = (record.header(CAUSE) or "").split("-")
        return Event(
            event_type=name,
            event_id=head["eventId"],
            tenant=head["tenantId"],
            item=payload["itemId"],
            cause=(int(partition), int(offset)),
            version=int(record.header(VERSION) or ""),
            payload=payload,
            reservation=record.header(RESERVATION),
        )
    except (KeyError, ValueError, TypeError, avro.NotAvro) as error:
        raise Unreadable(repr(error)) from error
