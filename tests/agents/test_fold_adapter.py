"""The ledger between the wire and the fold: nothing that stands in the log stops its partition."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from atp_stream.agents import fold_adapter as module
from atp_stream.agents.fold_adapter import Ledger
from atp_stream.domain.commands import AdjustStock, AnyCommand, Entry, Reserve, ResumeItem
from atp_stream.domain.fold.ledger import Broken, Folded, fold
from atp_stream.domain.state.overlay import State
from atp_stream.engine.commit_group import Answer
from atp_stream.engine.position import LogRecord
from atp_stream.messages.dead_letters import pack_original
from atp_stream.messages.outbound import Outbound
from atp_stream.messages.rows import encode_command
from atp_stream.records import Output
from atp_stream.settings import Settings, Wire
from atp_stream.topics import Topics
from tests.agents.memory import Memory, Record

TOPICS = Topics.of(Settings())
NOW = 1_700_000_000_000  # log time, milliseconds
KEY = b"acme|lamp"


def a_ledger() -> Ledger:
    return Ledger(Outbound("00112233aabbccdd", Wire.JSON, {}, TOPICS.of_roles), TOPICS)


def entry(offset: int, command: AnyCommand, *, key: bytes = KEY, original: bytes = b"") -> LogRecord:
    source = b"inventory.adjusted/0/%d" % offset
    return LogRecord(offset, NOW, key, encode_command(command), source if original else b"", original)


def stock(offset: int, quantity: int, *, key: bytes = KEY) -> LogRecord:
    at = NOW * 1000 + offset
    return entry(offset, AdjustStock(event_id=f"e{offset}", at_us=at, delta=quantity, absolute=quantity), key=key)


def run(ledger: Ledger, memory: Memory, records: Sequence[LogRecord]) -> Answer:
    answer = ledger(0, memory, records)
    memory.apply(answer)
    return answer


def shown(answer: Answer, channel: str) -> dict[str, Any]:
    [value] = [
        output.value or b""
        for output in answer.outputs
        if output.key is not None and output.key.endswith(channel.encode())
    ]
    payload: dict[str, Any] = msgspec.json.decode(value)["payload"]
    return payload


def of_topic(answer: Answer, topic: str) -> list[Output]:
    return [output for output in answer.outputs if output.topic == topic]


def test_stock_is_published_for_every_channel_of_the_default_policy() -> None:
    answer = run(a_ledger(), Memory(), [stock(1, 15_000)])

    assert ["B2B", "ECOM", "MARKETPLACE", "STORE"] == sorted(
        msgspec.json.decode(output.value or b"")["payload"]["channel"] for output in answer.outputs
    )
    assert 150 == shown(answer, "ECOM")["available"]
    assert (1, False) == (answer.consumed, answer.unfinished)


def test_what_the_fold_counts_is_handed_to_the_engine() -> None:
    ledger, memory = a_ledger(), Memory()

    nothing = {"duplicates": 0, "past": 0, "unpaired": 0, "purged": 0, "counted_twice": 0}
    assert nothing == run(ledger, memory, [stock(1, 100)]).counted
    again = msgspec.structs.replace(stock(1, 100), offset=2)
    assert nothing | {"duplicates": 1} == run(ledger, memory, [again]).counted


def test_a_record_that_is_no_command_becomes_a_dead_letter_and_the_rest_goes_on() -> None:
    ledger, memory = a_ledger(), Memory()
    records = [stock(1, 100), LogRecord(2, NOW, KEY, b"garbage"), stock(3, 200)]

    first = run(ledger, memory, records)
    second = run(ledger, memory, records[first.consumed :])
    third = run(ledger, memory, records[first.consumed + second.consumed :])

    assert [1, 1, 1] == [first.consumed, second.consumed, third.consumed]
    assert (True, True) == (first.unfinished, second.unfinished)
    [letter] = second.outputs
    assert (TOPICS.dead_letter.name, b"garbage") == (letter.topic, letter.value)
    assert b"unreadable_command" == dict(letter.headers)["atp-reason"]
    assert b"inventory.atp.item-log/0/2" == dict(letter.headers)["atp-origin"]
    assert 2 == shown(third, "ECOM")["available"]


def test_what_the_fold_refuses_keeps_the_original_bytes_and_place() -> None:
    original = pack_original(Record("inventory.adjusted", b"as it came", key=b"k"))
    ahead = AdjustStock(event_id="e1", at_us=(NOW + 3_600_000) * 1000, delta=1, absolute=1)

    answer = run(a_ledger(), Memory(), [entry(1, ahead, original=original)])

    [letter] = of_topic(answer, TOPICS.dead_letter.name)
    assert (b"k", b"as it came") == (letter.key, letter.value)
    assert b"future" == dict(letter.headers)["atp-reason"]
    assert b"inventory.adjusted/0/1" == dict(letter.headers)["atp-origin"]


def test_a_fault_of_ours_quarantines_one_item_until_it_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, memory = a_ledger(), Memory()
    reserve = Reserve(event_id="r1", at_us=NOW * 1000, reservation="cursed", quantity=100)
    run(ledger, memory, [stock(1, 1_000), stock(2, 1_000, key=b"acme|chair")])
    monkeypatch.setattr(module, "fold", _breaks_on("cursed"))

    hit = run(ledger, memory, [entry(3, reserve), stock(4, 500), stock(5, 700, key=b"acme|chair")])

    assert 3 == hit.consumed
    lamp = [msgspec.json.decode(o.value or b"")["payload"] for o in hit.outputs if (o.key or b"").startswith(KEY)]
    assert {0} == {row["available"] for row in lamp}
    chair = [o for o in hit.outputs if (o.key or b"").startswith(b"acme|chair")]
    assert 4 == len(chair)
    assert [] == of_topic(hit, TOPICS.allocation_committed.name)

    monkeypatch.undo()
    healed = run(ledger, memory, [entry(6, ResumeItem(event_id="x", at_us=NOW * 1000))])
    while healed.unfinished:
        healed = run(ledger, memory, [])

    assert 1 == len(of_topic(healed, TOPICS.allocation_committed.name))
    assert 4 == shown(healed, "ECOM")["available"]  # the count of 5, less the unit that was reserved


def test_a_kept_command_that_is_refused_when_its_item_is_resumed_gives_the_original_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger, memory = a_ledger(), Memory()
    reserve = Reserve(event_id="r1", at_us=NOW * 1000, reservation="cursed", quantity=100, channel="ECOM")
    elsewhere = msgspec.structs.replace(reserve, event_id="r2", channel="STORE")
    monkeypatch.setattr(module, "fold", _breaks_on("cursed"))
    original = pack_original(Record("inventory.core.reservation.created", b"as it came", key=b"k"))
    run(ledger, memory, [entry(1, reserve), entry(2, elsewhere, original=original)])
    monkeypatch.undo()
    answers = [run(ledger, memory, [entry(3, ResumeItem(event_id="x", at_us=NOW * 1000))])]
    while answers[-1].unfinished:
        answers.append(run(ledger, memory, []))

    [letter] = [letter for answer in answers for letter in of_topic(answer, TOPICS.dead_letter.name)]
    assert (b"k", b"as it came") == (letter.key, letter.value)
    assert b"inventory.adjusted/0/2" == dict(letter.headers)["atp-origin"]
    assert b"reservation_conflict" == dict(letter.headers)["atp-reason"]


def _breaks_on(reservation: str) -> Any:
    def broken_fold(state: State, entries: Sequence[Entry], *, broken: Mapping[int, str]) -> Folded:
        for one in entries:
            if getattr(one.command, "reservation", None) == reservation and one.offset not in broken:
                raise Broken(one.offset) from ZeroDivisionError("a bug")
        return fold(state, entries, broken=broken)

    return broken_fold


PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = [("traceparent", PARENT), ("tracestate", b"shop=1")]


def reserved(offset: int, name: str, headers: list[tuple[str, bytes]]) -> LogRecord:
    """Return a log record of a create whose input had these headers."""
    command = Reserve(event_id=name, at_us=NOW * 1000 + offset, reservation=name, quantity=200)
    return entry(offset, command, original=pack_original(Record("created", b"{}", headers=tuple(headers))))


def traces(answer: Answer) -> dict[str, set[bytes | None]]:
    found: dict[str, set[bytes | None]] = {}
    for output in answer.outputs:
        found.setdefault(output.event, set()).add(dict(output.headers).get("traceparent"))
    return found


def test_every_event_that_an_input_caused_goes_on_with_its_trace() -> None:
    ledger, memory = a_ledger(), Memory()
    run(ledger, memory, [stock(1, 300)])

    answer = run(ledger, memory, [reserved(2, "r-1", TRACE), reserved(3, "r-2", TRACE)])

    expected = ("AllocationCommittedEvent", "AvailabilityCalculatedEvent", "ReservationDeniedEvent")
    assert {event: {PARENT} for event in expected} == traces(answer)
    assert all(dict(output.headers)["tracestate"] == b"shop=1" for output in answer.outputs)


def test_an_event_has_the_trace_of_the_input_that_its_cause_names_and_of_no_other() -> None:
    ledger, memory = a_ledger(), Memory()
    run(ledger, memory, [stock(1, 1000)])

    answer = run(ledger, memory, [reserved(2, "r-1", TRACE), reserved(3, "r-2", [])])

    traced = {dict(output.headers)["atp-cause"] for output in answer.outputs if "traceparent" in dict(output.headers)}
    committed = of_topic(answer, TOPICS.allocation_committed.name)
    assert {b"0-2"} == traced
    assert [PARENT, None] == [dict(output.headers).get("traceparent") for output in committed]


def test_what_another_input_makes_possible_has_the_trace_of_that_input() -> None:
    ledger, memory = a_ledger(), Memory()
    run(ledger, memory, [reserved(1, "r-1", TRACE)])

    answer = run(ledger, memory, [stock(2, 1000)])

    assert {None} == set().union(*traces(answer).values())


def test_without_a_trace_the_headers_are_those_there_always_were() -> None:
    ledger, memory = a_ledger(), Memory()
    run(ledger, memory, [stock(1, 1000)])

    answer = run(ledger, memory, [reserved(2, "r-1", [("id", b"7")])])

    names = {name for output in answer.outputs for name, _ in output.headers}
    assert {"atp-version", "atp-cause", "atp-genesis", "atp-reservation"} == names
