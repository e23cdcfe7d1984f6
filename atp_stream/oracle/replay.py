"""The item log, replayed: what each input became, and what must have been published because of it."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from atp_stream.oracle import commands
from atp_stream.oracle.clock import Clock
from atp_stream.oracle.dates import Projection
from atp_stream.oracle.history import History, Record
from atp_stream.oracle.inputs import Asked, Breach, ask
from atp_stream.oracle.item import Denied, Item, Past, Reported, Unknown
from atp_stream.oracle.operations import MAX_CHANGES, OPERATIONS
from atp_stream.oracle.policy import FIRST, Rules, contradicts, edited, rules, window_us, written_for
from atp_stream.oracle.report import Report

Place = tuple[int, int]  # partition and offset in the item log
Name = tuple[str, str]  # tenant and item


_GIVING: Final = {"created", "confirmed", "released"}  # what never takes a promise from anybody else


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One item after one command, and what that published; withdrawn channels are among the rows.

    `projection` is there while anything has a date. `about` is the reservation that the command speaks of, and `gives`
    says that it can have taken nothing from any other.
    """

    version: int
    reported: list[Reported]
    rows: dict[str, tuple[int, int]]
    on_hand: int
    handed_over: int
    projection: Projection | None
    about: str | None
    gives: bool
    today: int


@dataclass(slots=True)
class Replay:
    """What the log says, in the model's words."""

    items: dict[Name, Item] = field(default_factory=dict)
    steps: dict[Name, dict[Place, Expected]] = field(default_factory=dict)  # in the order of the log
    taken: dict[str, Place] = field(default_factory=dict)  # input to its first place in the log
    understood: set[str] = field(default_factory=set)  # inputs that ask for something
    denied: dict[str, str] = field(default_factory=dict)  # input to the reason of the fold
    partitions: dict[Name, int] = field(default_factory=dict)
    policies: dict[int, Mapping[str, Any]] = field(default_factory=lambda: defaultdict(lambda: FIRST))
    operated: dict[str, str] = field(default_factory=dict)  # operators' commands to the reason of the fold, if any
    operations: set[tuple[str | None, int]] = field(default_factory=set)  # their messages, by partition
    changes: dict[int, list[Any]] = field(default_factory=lambda: defaultdict(list))  # ids of changes, by partition

    def keep(self, name: Name, place: Place, question: Asked | None = None) -> None:
        """Note how an item stands after what stands at `place`, and was asked there."""
        item, steps = self.items[name], self.steps.setdefault(name, {})
        fell = bool(steps) and item.on_hand < steps[next(reversed(steps))].on_hand  # a create meets what left before it
        steps[place] = Expected(
            version=item.version,
            reported=item.reported,
            rows=item.rows(),
            on_hand=item.on_hand,
            handed_over=item.handed_over,
            projection=item.projection(),
            about=None if question is None else question.reservation,
            today=item.today,
            gives=question is not None and question.kind in _GIVING and not fell,
        )


def replay(history: History, report: Report) -> Replay:
    """Apply every log record once, in order; object to what cannot be."""
    done = Replay()
    inputs = {record.place: record for record in history.of(*history.names.inputs)}
    clocks: defaultdict[int, Clock] = defaultdict(Clock)
    marks: dict[tuple[int, str], int] = {}
    for record in history.of(history.names.item_log):
        clock = clocks[record.partition]
        now_ms = clock.read(record.timestamp)
        if record.header("atp-control") is not None:
            continue
        source = record.header("atp-source")
        said = json.loads(record.value or b"{}") if source not in inputs else {}
        if source is None or said.get("command") in OPERATIONS:
            if source is not None and (source, record.partition) in done.operations:
                continue
            done.operations.add((source, record.partition))
            if record.key != b"|":
                clock.begin(_window(done, record))
            clock.move()
            _operate(record, said, now_ms, done, report)
            clock.live_by(_window(done, record))
            continue
        if source in done.taken:
            report.repeated += 1
            if done.taken[source][0] != record.partition:
                report.double(f"{source} is in two partitions of the item log")
            continue
        done.taken[source] = (record.partition, record.offset)
        clock.begin(_window(done, record))
        clock.move()
        _check_sequence(record, source, marks, report)
        if source not in inputs:
            report.complain(f"{record.place} was made from {source}, which does not exist")
            continue
        _apply(history, inputs[source], record, clock, done, report)
    return done


def _window(done: Replay, record: Record) -> int:
    """Return the window that is in force, in milliseconds."""
    return window_us(done.policies[record.partition]) // 1_000


def _operate(record: Record, said: Mapping[str, Any], now_ms: int, done: Replay, report: Report) -> None:
    """Put a policy in force, let time pass, or do what an operator asks of one item."""
    there = [item for item in done.items.items() if done.partitions[item[0]] == record.partition]
    if record.key != b"|":
        _operate_item(record, said, now_ms, done, report)
        return
    if said.get("command") == "tick":
        for name, item in there:
            if item.run_out(min(said["at"], now_ms * 1000), record.offset, now_ms):
                done.keep(name, (record.partition, record.offset))
        return
    if said and said.get("command") not in {"policy", "edit_policy"}:
        report.complain(f"{record.place} is a command of an operator that the oracle does not know")
        return
    before, known = done.policies[record.partition], done.changes[record.partition]
    if "event_id" in said and said["event_id"] in known:
        return
    is_patch = said.get("command") == "edit_policy"
    document = edited(before, said["tenant"], said["patch"]) if is_patch else said.get("document", FIRST)
    origin = record.header("atp-source") or record.place
    done.operated[origin] = ""
    if any(contradicts(section) for section in document.get("tenants", {}).values()):
        done.operated[origin] = "policy_invalid"
        return
    done.changes[record.partition] = [*known, said.get("event_id")][-MAX_CHANGES:]
    done.policies[record.partition] = document
    for name, item in there:
        if (new := _rules(document, name, record, report, item.own)) != item.rules:
            item.meet(new, record.offset, now_ms)
            done.keep(name, (record.partition, record.offset))


def _operate_item(record: Record, said: Mapping[str, Any], now_ms: int, done: Replay, report: Report) -> None:
    """Do what an operator asks of one item; it may be unknown before."""
    tenant, item_id = (unquote(part) for part in (record.key or b"").decode().split("|"))
    name, document = (tenant, item_id), done.policies[record.partition]
    item = done.items.get(name) or Item(_rules(document, name, record, report))
    origin = record.header("atp-source") or record.place
    try:
        news = item.operated(said, record.offset, now_ms, written_for(document, *name))
        if "patch" in said and news:
            item.meet_own(_rules(document, name, record, report, item.own), record.offset)
    except Denied as denied:
        done.operated[origin] = str(denied)
        return
    done.operated[origin] = ""
    if news:
        done.items[name], done.partitions[name] = item, record.partition
        done.keep(name, (record.partition, record.offset))


def _rules(
    document: Mapping[str, Any], name: Name, record: Record, report: Report, own: Mapping[str, Any] | None = None
) -> Rules:
    try:
        return rules(document, *name, own)
    except Unknown as unknown:
        report.complain(f"{record.place}: this model knows no {unknown}")
        return rules(FIRST, *name)


def _check_sequence(record: Record, source: str, marks: dict[tuple[int, str], int], report: Report) -> None:
    partition, _, offset = source.rpartition("/")
    key = (record.partition, partition)
    if int(offset) < marks.get(key, -1):
        report.complain(f"{source} stands in the log behind a later one of its partition: the ledger skips it")
    marks[key] = max(int(offset), marks.get(key, -1))


def _apply(history: History, source: Record, record: Record, clock: Clock, done: Replay, report: Report) -> None:
    try:
        question = ask(history.names, source, history.schemas)
    except Breach as breach:
        report.complain(f"{source.place} breaks the contract ({breach}), but is in the item log")
        return
    if question is None:
        report.complain(f"{source.place} is not ours, but is in the item log")
        return
    done.understood.add(source.place)
    if record.key != _key(question):
        report.complain(f"{source.place} is kept under {record.key!r}, but speaks of {question.item}")
    report.complain_all(f"{record.place}: {words}" for words in commands.differences(question, record.value))
    report.commands += 1
    name = (question.tenant, question.item)
    item = done.items.get(name) or Item(_rules(done.policies[record.partition], name, record, report))
    try:
        applied = item.asked(question, record.offset, clock.log_time_ms, generation=clock.generation)
    except Denied as denied:
        done.denied[source.place] = str(denied)
        if denied.changes_supply:
            done.items[name], done.partitions[name] = item, record.partition
            done.keep(name, (record.partition, record.offset), question)
        return
    except Past:
        report.past += 1
        return
    except Unknown as unknown:
        report.complain(f"{source.place}: this model knows no {unknown}")
        return
    if not applied:
        report.duplicates += 1
        return
    report.applied += 1
    done.items[name], done.partitions[name] = item, record.partition
    done.keep(name, (record.partition, record.offset), question)


def _key(question: Asked) -> bytes:
    parts = (part.replace("%", "%25").replace("|", "%7C") for part in (question.tenant, question.item))
    return "|".join(parts).encode()
