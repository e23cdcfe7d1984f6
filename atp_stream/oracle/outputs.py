"""What was published, read from the output records themselves."""

import json
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from atp_stream.oracle import avro
from atp_stream.oracle.history import Record

CAUSE = "atp-cause"
VERSION = "atp-version"


class Unreadable(Exception):
    """An output that no consumer could read."""


class Event(NamedTuple):
    """One published event; `cause` is (partition, offset) in the item log."""

    event_type: str
    event_id: str
    tenant: str
    item: str
    cause: tuple[int, int]
    version: int
    payload: Mapping[str, Any]

    def units(self, name: str) -> int:
        """Return a quantity in whole hundredths."""
        return int(Decimal(self.payload[name]) * 100)


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
        )
    except (KeyError, ValueError, TypeError, avro.NotAvro) as error:
        raise Unreadable(repr(error)) from error
