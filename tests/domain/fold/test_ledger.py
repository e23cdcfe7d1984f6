"""Steps, slices, refusals and quarantine, by example."""

import gc
from collections.abc import Iterator
from weakref import ref

import pytest
from msgspec.structs import replace

from atp_stream.domain.commands import Entry, Tick
from atp_stream.domain.events import AllocationCommitted, AvailabilityCalculated, CommandRefused
from atp_stream.domain.fold.ledger import Broken, fold
from atp_stream.domain.limits import DEFAULT_LIMITS, Limits
from atp_stream.domain.reservations.balances import allocated
from atp_stream.domain.row_keys import QUARANTINE, WORK
from atp_stream.domain.state.overlay import State
from tests.domain.support.log import AT, LAMP, NOON, Log, adjust, confirm, count, policy, release, reserve, resume

RUG = "acme|rug"
SLICE = DEFAULT_LIMITS.slice
MANY = 3 * SLICE


def log_with_many_waiting() -> Log:
    """Return a log in which many wait for one unit each, so that one count serves them all."""
    log = Log()
    log.say(*[reserve(f"r{place:04d}", 1) for place in range(MANY)])
    return log


def entry(log: Log, command: object, name: str = LAMP) -> Entry:
    return Entry(0, log.entries[-1].offset + 1, NOON, name, command)  # type: ignore[arg-type]


def test_the_first_value_of_every_channel_is_published_zeros_included() -> None:
    events = Log().say(confirm("a"))
    assert [("ECOM", 0, 0), ("STORE", 0, 0), ("B2B", 0, 0), ("MARKETPLACE", 0, 0)] == [
        (event.channel, event.available, event.reserved)
        for event in events
        if isinstance(event, AvailabilityCalculated)
    ]


def test_several_commands_in_one_step_publish_each_changed_row_once() -> None:
    log = Log()
    events = log.say(count(9), reserve("a", 1), reserve("b", 1), release("a"))
    assert 1 == len(log.steps)
    assert [("ECOM", 8, 1, 4, 3)] == [
        (event.channel, event.available, event.reserved, event.version, event.offset)
        for event in events
        if isinstance(event, AvailabilityCalculated) and event.channel == "ECOM"
    ]


def test_what_ends_as_it_began_is_not_published() -> None:
    log = Log()
    log.say(count(9))
    assert [] == [e for e in log.say(reserve("a", 1), release("a")) if isinstance(e, AvailabilityCalculated)]


def test_a_count_below_what_is_reserved_keeps_the_promises_and_shows_nothing() -> None:
    log = Log()
    log.say(count(10), reserve("a", 8), count(5, AT + 1))
    assert (0, 8) == log.shows()
    log.say(count(9, AT + 2))
    assert (1, 8) == log.shows()


def test_a_stamp_too_far_ahead_of_log_time_is_refused_and_leaves_no_row() -> None:
    log = Log()
    assert [CommandRefused(name=LAMP, version=0, log_time_ms=NOON, offset=0, ordinal=0, reason="future",
                           detail="stamped 300001 ms ahead of log time; `future_tolerance` is 300 s")] == log.say(
        count(9, AT + 300_001_000)
    )  # fmt: skip
    assert [] == [key for key in log.rows if key.startswith(LAMP)]
    assert [] == [e for e in log.say(count(9, AT + 300_000_000)) if isinstance(e, CommandRefused)]


def test_a_stale_fact_is_refused_and_counted() -> None:
    log = Log()
    day = 24 * 60 * 60 * 1_000_000
    for passed in range(9):  # a silence counts a quarter of the window: this is more than two windows
        log.say(adjust(1, at=AT + passed * day), log_time=NOON + passed * day // 1_000)
    events = log.say(adjust(5, at=AT), log_time=NOON + 8 * day // 1_000)
    assert ["stale"] == [e.reason for e in events if isinstance(e, CommandRefused)]
    assert (9, 1, 9) == (log.shows()[0], log.item().stale, log.item().version)


def test_a_fact_that_is_forgotten_and_held_by_a_newer_absolute_is_past_and_counted() -> None:
    day = 24 * 60 * 60 * 1_000_000
    log = Log()
    for passed in range(9):
        log.say(count(9, AT + passed * day), log_time=NOON + passed * day // 1_000)
    events = log.say(adjust(5, at=AT), log_time=NOON + 8 * day // 1_000)
    assert [] == [e.reason for e in events if isinstance(e, CommandRefused)]
    assert (9, 1) == (log.shows()[0], log.item().past)


def test_a_fact_that_is_older_than_an_absolute_is_late_and_counted() -> None:
    log = Log()
    log.say(count(9), adjust(3, at=AT - 5), adjust(3, at=AT + 5))
    assert (12, 1) == (log.shows()[0], log.item().late)


def test_a_duplicate_is_counted_and_publishes_nothing() -> None:
    log = Log()
    once = count(9)
    log.say(once)
    assert [] == log.say(once)
    assert (1, 1) == (log.item().duplicates, log.item().version)


def test_an_unknown_channel_is_accepted_as_pooled() -> None:
    log = Log()
    log.say(count(9), reserve("a", 2, "POPUP"))
    assert ((7, 2), (7, 0)) == (log.shows("POPUP"), log.shows("ECOM"))


def test_an_item_has_no_more_channels_without_a_name_than_policy_allows() -> None:
    log = Log()
    log.say(count(99), *[reserve(f"r{place}", 1, f"POPUP {place}") for place in range(32)])
    assert ["too_many_channels"] == [
        e.reason for e in log.say(reserve("a", 1, "MORE")) if isinstance(e, CommandRefused)
    ]
    assert [] == [e for e in log.say(reserve("b", 1, "POPUP 7")) if isinstance(e, CommandRefused)]


def test_an_unknown_channel_is_refused_where_policy_says_so() -> None:
    log = Log()
    log.say(policy({"unknown_channels": "refuse", "tenants": {"*": {"channels": {"ECOM": {}}}}}))
    assert ["unknown_channel"] == [e.reason for e in log.say(reserve("a", 1, "POPUP")) if isinstance(e, CommandRefused)]


def test_a_step_stops_when_it_has_enough_output() -> None:
    log = Log()
    entries = [Entry(0, place, NOON, f"acme|item {place}", count(9)) for place in range(1_000)]
    folded = log.step(entries)
    assert DEFAULT_LIMITS.step_output // 4 == folded.consumed
    assert not folded.unfinished


def test_a_step_is_gone_as_soon_as_nobody_holds_it() -> None:
    log = log_with_many_waiting()
    state = State(log.read, log.scan)
    gone = ref(state)
    gc.disable()  # what only it would find, it finds all at once: a worker stood still for half a second
    try:
        fold(state, [entry(log, count(MANY)), entry(log, policy({"*": {"safety_stock": {"fixed": 1}}}), "|")])
        del state
        assert gone() is None
    finally:
        gc.enable()


def test_one_command_serves_a_slice_and_leaves_the_rest_as_work() -> None:
    log = log_with_many_waiting()
    folded = log.step([entry(log, count(MANY))])
    assert (1, True) == (folded.consumed, folded.unfinished)
    assert SLICE == sum(isinstance(event, AllocationCommitted) for event in folded.events)
    assert WORK + LAMP in log.rows


def test_work_goes_on_without_entries_until_it_is_finished() -> None:
    log = log_with_many_waiting()
    events = log.say(count(MANY))
    assert [f"r{place:04d}" for place in range(MANY)] == [
        e.reservation for e in events if isinstance(e, AllocationCommitted)
    ]
    assert MANY == len({(e.offset, e.ordinal) for e in events if isinstance(e, AllocationCommitted)})
    assert (0, MANY) == log.shows()
    assert WORK + LAMP not in log.rows
    assert MANY + 3 == log.item().version


def test_a_command_is_kept_while_its_item_has_work_and_others_do_not_wait() -> None:
    log = log_with_many_waiting()
    counted = entry(log, count(100 * SLICE))
    log.say(*[reserve(f"s{place:04d}", 1) for place in range(10 * SLICE)])
    log.step([counted])
    own, other = replace(counted, offset=10**6, command=release("r0000")), Entry(0, 10**6 + 1, NOON, RUG, count(3))
    assert 2 == log.step([own, other]).consumed
    assert (1, (3, 0)) == (log.item().deferred, log.shows(name=RUG))
    assert 1 == allocated(log.reservation("r0000"))

    log.run([])

    assert (0, False, None) == (log.item().deferred, log.item().resuming, log.item().work)
    assert [] == log.reservation("r0000").allocations
    assert 10**6 == log.item().offset


def test_commands_of_a_busy_item_hold_up_their_partition_only_when_too_many_are_kept() -> None:
    log = log_with_many_waiting()
    log.step([entry(log, count(MANY))])
    log.limits = Limits(deferred=2, slice=0)
    releases = [Entry(0, 10**6 + place, NOON, LAMP, release(f"r000{place}")) for place in range(4)]

    assert 2 == log.step(releases).consumed
    assert 2 == log.item().deferred


@pytest.fixture
def fault() -> Iterator[pytest.MonkeyPatch]:
    """Give the means to break what the fold stands on: a fault of ours that no input can cause."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def breaks(*args: object) -> None:
    raise ZeroDivisionError


def test_a_fault_stops_one_item_and_the_others_live_on(fault: pytest.MonkeyPatch) -> None:
    log = Log()
    log.say(count(9), reserve("a", 2))
    log.say(count(5), name=RUG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atp_stream.domain.stock.fold.StockFold.record", breaks)
        log.say(count(7, AT + 1))
    log.say(reserve("b", 1))
    log.say(reserve("b", 1), name=RUG)
    assert ((0, 2), (0, 0), (4, 1)) == (log.shows(), log.shows("STORE"), log.shows(name=RUG))
    assert ("fault 3", 2) == (log.item().quarantine, log.item().deferred)
    assert [3] == log.faults


def test_a_resumed_item_folds_what_was_deferred_in_order(fault: pytest.MonkeyPatch) -> None:
    log = Log()
    log.say(count(9), reserve("a", 2))
    fault.setattr("atp_stream.domain.stock.fold.StockFold.record", breaks)
    log.say(count(7, AT + 1), reserve("b", 1), release("a"))
    fault.undo()
    events = log.say(resume(), reserve("c", 2))
    assert [("b", 3), ("c", 6)] == [(e.reservation, e.offset) for e in events if isinstance(e, AllocationCommitted)]
    assert ((4, 3), None, 0) == (log.shows(), log.item().quarantine, log.item().deferred)
    assert [] == [key for key in log.rows if "|h|" in key or key.startswith(WORK)]


def test_a_quarantined_item_is_marked_until_it_is_resumed(fault: pytest.MonkeyPatch) -> None:
    log = Log()
    log.say(count(5), name=RUG)
    fault.setattr("atp_stream.domain.stock.fold.StockFold.record", breaks)
    log.say(count(9))
    marked = [key for key in log.rows if key.startswith(QUARANTINE)]
    fault.undo()
    log.say(resume())
    assert [QUARANTINE + LAMP] == marked
    assert [] == [key for key in log.rows if key.startswith(QUARANTINE)]


def test_an_item_that_breaks_again_goes_back_and_keeps_what_is_left(fault: pytest.MonkeyPatch) -> None:
    log = Log()
    log.say(count(9))
    fault.setattr("atp_stream.domain.stock.fold.StockFold.record", breaks)
    log.say(count(7, AT + 1))
    log.say(reserve("a", 2))
    log.say(resume(), reserve("b", 1))
    assert ("fault -2", 3, False) == (log.item().quarantine, log.item().deferred, log.item().resuming)
    log.say(resume())
    assert ("fault -2", 3) == (log.item().quarantine, log.item().deferred)
    fault.undo()
    log.say(resume())
    assert ((4, 3), None) == (log.shows(), log.item().quarantine)


def test_a_new_item_may_be_quarantined_too(fault: pytest.MonkeyPatch) -> None:
    fault.setattr("atp_stream.domain.stock.fold.StockFold.record", breaks)
    log = Log()
    log.say(count(9))
    assert ((0, 0), 1) == (log.shows(), log.item().deferred)


def test_resuming_an_item_that_runs_changes_nothing() -> None:
    log = Log()
    log.say(count(9))
    before = dict(log.rows)
    assert [] == log.say(resume())
    assert [] == log.say(resume(), name=RUG)
    assert before == log.rows


def test_a_resume_that_breaks_leaves_the_item_in_quarantine(fault: pytest.MonkeyPatch) -> None:
    log = Log()
    log.say(count(9))
    fault.setattr("atp_stream.domain.stock.fold.StockFold.record", breaks)
    log.say(count(7, AT + 1))
    fault.setattr("atp_stream.domain.item.open_item.OpenItem.meet", breaks)
    log.say(resume())
    assert ("fault 2", 1) == (log.item().quarantine, log.item().deferred)


def test_a_fault_in_a_slice_of_work_stops_the_item_and_its_work_is_kept(fault: pytest.MonkeyPatch) -> None:
    log = log_with_many_waiting()
    log.step([entry(log, count(MANY))])
    fault.setattr("atp_stream.domain.fold.follow_up.serve_backorders", breaks)
    log.run([])
    assert ((0, SLICE), "fault -1") == (log.shows(), log.item().quarantine)
    fault.undo()
    log.say(resume())
    assert (0, MANY) == log.shows()


def test_a_resumed_item_serves_who_could_not_be_served_before_policy_changed(fault: pytest.MonkeyPatch) -> None:
    log = Log()
    log.say(reserve("big", MANY + 1, "STORE"), *[reserve(f"r{place:04d}", 1) for place in range(MANY)])
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}, "STORE": {}}, "safety_stock": {"fixed": MANY}}}}))
    log.entries.append(entry(log, count(MANY * 101)))
    log.step(log.entries[-1:])
    fault.setattr("atp_stream.domain.fold.follow_up.serve_backorders", breaks)
    log.run([])
    fault.undo()
    log.say(policy({"tenants": {"*": {"channels": {"ECOM": {}, "STORE": {}}}}}), resume())
    assert (MANY * 99 - 1, MANY + 1) == log.shows("STORE")


def test_a_fault_at_the_end_of_the_step_stops_the_item(fault: pytest.MonkeyPatch) -> None:
    log = Log()
    fault.setattr("atp_stream.domain.promise.availability.shown", breaks)
    log.say(count(9))
    assert ("fault 0", (0, 0)) == (log.item().quarantine, log.shows())


def test_a_fault_that_quarantine_cannot_contain_is_raised_as_it_is() -> None:
    def read(key: str) -> object:
        if key.endswith("|i"):
            raise ZeroDivisionError
        return None

    entries = [Entry(0, 7, NOON, LAMP, count(9))]
    with pytest.raises(Broken) as broken:
        fold(State(read, lambda _: iter(())), entries)
    assert (7, "the fold broke at 7") == (broken.value.offset, str(broken.value))
    with pytest.raises(ZeroDivisionError):
        fold(State(read, lambda _: iter(())), entries, broken={7: "again"})


def test_a_fault_at_the_end_that_quarantine_cannot_contain_is_raised_as_it_is(fault: pytest.MonkeyPatch) -> None:
    fault.setattr("atp_stream.domain.fold.step.publish", breaks)
    with pytest.raises(ZeroDivisionError):
        fold(State(lambda _: None, lambda _: iter(())), [Entry(0, 7, NOON, LAMP, count(9))], broken={7: "again"})


def test_a_policy_that_breaks_the_fold_is_refused(fault: pytest.MonkeyPatch) -> None:
    log = Log()
    fault.setattr("atp_stream.domain.item.policy_history.read", breaks)
    assert [("|", "broken", "fault 0")] == [
        (e.name, e.reason, e.detail) for e in log.say(policy({})) if isinstance(e, CommandRefused)
    ]


def test_a_kept_command_that_is_refused_comes_with_its_refusal(fault: pytest.MonkeyPatch) -> None:
    log = Log()
    log.say(count(9), reserve("a", 2))
    fault.setattr("atp_stream.domain.stock.fold.StockFold.record", breaks)
    refused = reserve("a", 2, "STORE", at=AT + 2)
    log.say(count(7, AT + 1), refused)
    fault.undo()
    assert [(3, "reservation_conflict", refused)] == [
        (e.offset, e.reason, e.deferred and e.deferred.command)
        for e in log.say(resume())
        if isinstance(e, CommandRefused)
    ]


def test_a_wait_that_time_ends_is_a_change_with_a_version_and_a_cause_of_its_own():
    log = Log()
    log.say(count(500), reserve("a", 1_000, expires_at=AT + 60_000_000))

    events = log.say(Tick(event_id="tick", at_us=AT + 90_000_000), name="|", log_time=NOON + 90_000)

    assert [(3, 2)] == [(event.version, event.offset) for event in events]
    assert (500, 0) == log.shows()


def test_a_resume_of_an_item_that_only_has_work_to_finish_changes_nothing() -> None:
    log = log_with_many_waiting()
    log.step([entry(log, count(MANY))])
    log.run([entry(log, resume())])
    assert (None, MANY) == (log.item().quarantine, log.item().channels["ECOM"].reserved)
