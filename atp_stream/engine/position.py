"""Where a log partition has been read to: a row of the state itself, so that it commits with what it explains."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

POSITION_KEY = b"|position"
FORMAT = 2
"""2: stock without a bound. A worker of an earlier version must not go on with it: it finds no genesis there."""

#: Headers of item-log records.
GENESIS_HEADER = "atp-genesis"
SOURCE_HEADER = "atp-source"
CHECKSUM_HEADER = "atp-checksum"
ORIGINAL_HEADER = "atp-original"
CONTROL_HEADER = "atp-control"
#: Values of the control header: the log's first record, and the command that forgets a recreated source topic.
CONTROL_GENESIS = b"genesis"
CONTROL_RESET = b"reset"


class Mark(msgspec.Struct, array_like=True, frozen=True):
    """The newest record of a source partition that the state includes, and the checksum that it had."""

    offset: int
    checksum: str = ""


class Position(msgspec.Struct, kw_only=True):
    """How far the state has come.

    `applied` is the last offset of the log that the state includes, transactions' markers counted: retention may
    leave nothing but those. `log_time_ms` is the greatest append time of the records, in milliseconds; `marks` are the
    newest records included per source partition ("topic/partition"), so that what intake appended twice counts once.
    """

    format: int = FORMAT
    genesis: str = msgspec.field(name="log")
    applied: int = -1
    log_time_ms: int = msgspec.field(default=0, name="log_time")
    marks: dict[str, Mark] = {}


class _Head(msgspec.Struct):
    format: int = 1


_decode_head = msgspec.json.Decoder(_Head).decode
_decoder = msgspec.json.Decoder(Position)
_encode = msgspec.json.Encoder().encode


class NewerFormat(Exception):
    """The state was written by a later version."""


def decode_position(row: bytes) -> Position:
    """Return the position that a row holds.

    Raises:
        NewerFormat: a later version wrote it.
    """
    head = _decode_head(row)
    if head.format > FORMAT:
        raise NewerFormat(f"the state has format {head.format}, and this version knows formats up to {FORMAT}")
    if head.format < FORMAT:  # format 1 had another name for the log
        plain = msgspec.json.decode(row)
        plain["log"], plain["format"] = plain.pop("genesis"), FORMAT
        return msgspec.convert(plain, Position)
    return _decoder.decode(row)


def encode_position(position: Position) -> bytes:
    """Return the row of a position."""
    return _encode(position)


class LogRecord(msgspec.Struct, frozen=True, gc=False):
    """A record of the item log as the fold sees it.

    `source` is the place of the input it was made from ("topic/partition/offset"), `original` that input, packed by
    whoever made the record; both are empty for what operators append.
    """

    offset: int
    log_time_ms: int
    key: bytes
    value: bytes
    source: bytes = b""
    original: bytes = b""


class Source(msgspec.Struct, frozen=True, gc=False):
    """Where a log record's input came from."""

    partition: str  # "topic/partition"
    offset: int
    checksum: bytes


class Plan(NamedTuple):
    """What of a run is new: `fresh` goes to the fold, `at` are their places in the run."""

    fresh: list[LogRecord]
    at: list[int]
    sources: list[Source | None]
    resets: dict[int, str]


_NONE = Source("", -1, b"")


class WrongGenesis(Exception):
    """A log record belongs to another log than the one that this state was made from."""


def plan(position: Position, records: Sequence[Any]) -> Plan:
    """Separate what the state does not include yet from what intake appended again.

    Raises:
        WrongGenesis: a record carries the mark of another log.
    """
    genesis = position.genesis.encode()
    fresh: list[LogRecord] = []
    at: list[int] = []
    sources: list[Source | None] = []
    resets: dict[int, str] = {}
    newest = {source: mark.offset for source, mark in position.marks.items()}
    log_time_ms = position.log_time_ms
    for index, record in enumerate(records):
        headers = dict(record.headers)
        found = headers.get(GENESIS_HEADER, genesis)
        if found != genesis:
            raise WrongGenesis(f"offset {record.offset} has genesis {_words(found)}, expected {position.genesis}")
        log_time_ms = max(log_time_ms, record.timestamp)
        control = headers.get(CONTROL_HEADER)
        if control is not None:
            sources.append(None)
            if control == CONTROL_RESET:
                resets[index] = _words(record.value)
                newest = {source: offset for source, offset in newest.items() if not _is_of(source, resets[index])}
            continue
        came_from, value = headers.get(SOURCE_HEADER) or b"", record.value or b""
        try:
            source = _source(came_from, headers.get(CHECKSUM_HEADER) or b"")
        except ValueError:  # not made by intake: what it says cannot be trusted either
            source, came_from, value = None, b"", b""
        sources.append(source)
        if source is not None:
            if source.offset <= newest.get(source.partition, -1):
                continue
            newest[source.partition] = source.offset
        original = headers.get(ORIGINAL_HEADER) or b""
        fresh.append(LogRecord(record.offset, log_time_ms, record.key or b"", value, came_from, original))
        at.append(index)
    return Plan(fresh, at, sources, resets)


def advance(position: Position, records: Sequence[Any], plan: Plan, consumed: int, end: int) -> tuple[Position, int]:
    """Return the position after the fold consumed so many of the fresh records, and how many records that covers.

    `end` is the position behind the records, and behind what transactions left there.
    """
    whole = consumed == len(plan.fresh)
    covered = len(records) if whole else plan.at[consumed]
    marks = dict(position.marks)
    begin = 0
    for reset in [*(place for place in plan.resets if place < covered), covered]:
        _raise(marks, plan.sources[begin:reset])
        if reset < covered:
            marks = forget(marks, plan.resets[reset])
        begin = reset
    log_time_ms = max((record.timestamp for record in records[:covered]), default=0)
    applied = records[covered - 1].offset if covered else position.applied
    if whole:
        applied = max(applied, end - 1)
    log_time_ms = max(log_time_ms, position.log_time_ms)
    return Position(genesis=position.genesis, applied=applied, log_time_ms=log_time_ms, marks=marks), covered


def _raise(marks: dict[str, Mark], sources: Sequence[Source | None]) -> None:
    """Let marks stand at the newest of the sources; hot, so only the newest of each partition becomes a mark."""
    newest: dict[str, Source] = {}
    for source in sources:
        if source is not None and source.offset > newest.get(source.partition, _NONE).offset:
            newest[source.partition] = source
    for partition, source in newest.items():
        if partition not in marks or source.offset > marks[partition].offset:
            marks[partition] = Mark(source.offset, source.checksum.decode())


def forget(marks: dict[str, Mark], topic: str) -> dict[str, Mark]:
    """Return the marks without those of a topic."""
    return {source: mark for source, mark in marks.items() if not _is_of(source, topic)}


def _is_of(source: str, topic: str) -> bool:
    return source.rpartition("/")[0] == topic


def _words(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "replace")


def _source(header: bytes, checksum: bytes) -> Source | None:
    if not header:
        return None
    partition, _, offset = header.decode().rpartition("/")
    return Source(partition, int(offset), checksum)
