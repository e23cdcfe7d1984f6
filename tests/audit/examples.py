"""A log in memory, as aiokafka would give it, and its fold."""

from collections.abc import Sequence
from typing import Any

import msgspec

from atp_stream.audit.verify import Subject
from atp_stream.domain.commands import AnyCommand, CountStock, Release, Reserve, ScheduleSupply, SetPolicy
from atp_stream.engine.position import CONTROL_GENESIS, CONTROL_HEADER, GENESIS_HEADER
from atp_stream.messages.rows import encode_command
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from tests.agents.memory import Record

GENESIS = "0123456789abcdef"
TOPICS = Topics.of(Settings())
SUBJECT = Subject(topics=TOPICS, genesis=GENESIS)
SECOND = 1_000
BEGIN = 1_700_000_000_000
STRICT = b'{"tenants": {"*": {"safety_stock": {"fixed": 8}, "channels": {"ECOM": {}, "STORE": {}}}}}'
OPEN = b'{"tenants": {"*": {"channels": {"ECOM": {}, "STORE": {}}}}}'


def record(offset: int, command: AnyCommand, key: bytes = b"acme|lamp", *, headers: Sequence[Any] = ()) -> Record:
    value = encode_command(command)
    named = ((GENESIS_HEADER, GENESIS.encode()), *headers)
    return Record("log", value, 0, offset, BEGIN + offset * SECOND, key, named)


def document(offset: int, text: bytes) -> Record:
    return record(offset, SetPolicy(event_id=f"p{offset}", at=0, document=msgspec.Raw(text)), b"|")


def genesis() -> Record:
    return record(0, SetPolicy(event_id="-", at=0, document=msgspec.Raw(b"{}")), b"|",
                  headers=[(CONTROL_HEADER, CONTROL_GENESIS)])  # fmt: skip


def count(offset: int, units: int, key: bytes = b"acme|lamp") -> Record:
    return record(offset, CountStock(event_id=f"c{offset}", at=at(offset), on_hand=units * 100), key)


def reserve(offset: int, units: int, key: bytes = b"acme|lamp") -> Record:
    command = Reserve(event_id=f"r{offset}", at=at(offset), reservation=f"order-{offset}", quantity=units * 100)
    return record(offset, command, key)


def day(ahead: int) -> int:
    """Return a day, counted from that on which the log begins."""
    return BEGIN // (86_400 * SECOND) + ahead


def schedule(offset: int, supply: str, units: int, ahead: int) -> Record:
    said = ScheduleSupply(event_id=f"s{offset}", at=at(offset), supply=supply, quantity=units * 100, day=day(ahead))
    return record(offset, said)


def wants(offset: int, units: int, wanted: int) -> Record:
    order, quantity = f"order-{offset}", units * 100
    said = Reserve(event_id=f"r{offset}", at=at(offset), reservation=order, quantity=quantity, wanted=wanted)
    return record(offset, said)


def release(offset: int, order: str) -> Record:
    return record(offset, Release(event_id=f"x{offset}", at=at(offset), reservation=order))


def at(offset: int) -> int:
    return (BEGIN + offset * SECOND) * 1000
