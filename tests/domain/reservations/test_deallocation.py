"""Supply loss by example: promises that stand, and promises that are taken back."""

from atp_stream.domain.events import AllocationCommitted, AllocationReleased, AnyEvent
from atp_stream.domain.reservations.balances import Status, allocated, status
from atp_stream.domain.state.rows import Due, Work
from tests.domain.support.folding import tight_bounds
from tests.domain.support.log import AT, NOON, Log, confirm, count, fulfil, grant, policy, release, reserve

CHANNELS = {"ECOM": {}, "STORE": {"kind": "QUOTA", "overflow": True}}


def log_with(units: int, shortage: str = "deallocate") -> Log:
    log = Log()
    log.say(policy({"shortage": shortage, "tenants": {"*": {"channels": CHANNELS}}}), count(units))
    return log


def lost(events: list[AnyEvent]) -> list[tuple[str, int, str]]:
    return [(e.reservation, e.quantity, e.reason) for e in events if isinstance(e, AllocationReleased)]


def held(log: Log, *reservations: str) -> list[int]:
    return [allocated(log.reservation(reservation)) for reservation in reservations]


def test_who_keeps_promises_shows_nothing_while_they_are_short() -> None:
    log = log_with(100, "keep")
    log.say(reserve("r", 80))
    assert [] == lost(log.say(count(50, AT + 1)))
    assert (0, 80) == log.shows()


def test_only_what_is_short_is_taken_back() -> None:
    log = log_with(100)
    log.say(reserve("r", 80))
    assert [("r", 30, "SUPPLY_LOST")] == lost(log.say(count(50, AT + 1)))
    assert ((0, 50), 30) == (log.shows(), log.item().channels["ECOM"].waiting)


def test_safety_stock_is_no_reason_to_take_back() -> None:
    log = log_with(100)
    log.say(reserve("r", 80))
    withheld = {"channels": CHANNELS, "safety_stock": {"fixed": 1}}
    assert [] == lost(log.say(policy({"shortage": "deallocate", "tenants": {"*": withheld}})))
    assert (0, 80) == log.shows()


def test_of_stock_below_nothing_all_is_taken_back() -> None:
    log = log_with(10)
    log.say(reserve("r", 8), fulfil("another", 20, at=AT + 1))
    assert ((0, 0), [0]) == (log.shows(), held(log, "r"))


def test_unconfirmed_promises_are_taken_back_first() -> None:
    log = log_with(100)
    log.say(reserve("sure", 50, priority=-9), reserve("open", 50, priority=9), confirm("sure"))
    log.say(count(60, AT + 1))
    assert [50, 10] == held(log, "sure", "open")


def test_then_those_of_the_lowest_priority() -> None:
    log = log_with(100)
    log.say(reserve("low", 50, priority=-1), reserve("high", 50, priority=1), count(60, AT + 1))
    assert [10, 50] == held(log, "low", "high")


def test_then_the_newest() -> None:
    log = log_with(100)
    log.say(reserve("old", 50), reserve("new", 50), count(60, AT + 1))
    assert [50, 10] == held(log, "old", "new")


def test_of_promises_made_by_one_count_those_of_the_newest_requests_are_lost() -> None:
    log = log_with(0)
    log.say(*(reserve(f"r{number}", 10) for number in range(1, 7)), count(60, AT + 1))
    events = log.say(count(30, AT + 2))
    assert [("r6", 10, "SUPPLY_LOST"), ("r5", 10, "SUPPLY_LOST"), ("r4", 10, "SUPPLY_LOST")] == lost(events)


def test_the_request_decides_and_not_the_commit_that_served_it() -> None:
    log = log_with(10)
    log.say(reserve("waits", 20), release("waits", 1), reserve("served at once", 5, "STORE", priority=0))
    log.say(count(30, AT + 1), count(20, AT + 2))
    assert [19, 1] == held(log, "waits", "served at once")


def test_of_a_reservation_only_its_newest_request_is_as_new_as_that() -> None:
    log = log_with(100)
    log.say(reserve("first", 40), reserve("second", 40), reserve("first", 50, at=AT + 1))
    assert [("first", 10, "SUPPLY_LOST"), ("second", 10, "SUPPLY_LOST")] == lost(log.say(count(70, AT + 1)))


def test_promises_of_an_earlier_version_are_found_and_noted_anew_in_slices() -> None:
    log = log_with(0)
    log.say(*(reserve(f"r{number}", 10) for number in range(1, 7)), count(60, AT + 1))
    for key in [key for key in log.rows if "|o|" in key]:
        name = f"r{key[-1]}"
        row, place = log.reservation(name), key.split("|o|")[1][:17] + f"{2**63 - 1 - 8:016x}"
        row.taken_back = place
        del log.rows[key]
        log.put(f"acme|lamp|o|{place}{name}", Due())
        log.put(f"acme|lamp|r|{name}", row)
    item = log.item()
    item.work = Work(offset=8, log_time_ms=NOON, ordinal=0, index="")
    log.put("acme|lamp|i", item)
    log.put("|work|acme|lamp", Due())
    with tight_bounds(served=2, enough=1):
        events = log.say(count(30, AT + 2))
    assert ["r6", "r5", "r4"] == [reservation for reservation, _, _ in lost(events)]
    assert [] == [key for key in log.rows if f"{2**63 - 1 - 8:016x}" in key]


def test_how_new_a_reservation_is_its_newest_allocation_says() -> None:
    log = log_with(100)
    log.say(reserve("first", 40), reserve("second", 40), reserve("first", 50, at=AT + 1), count(80, AT + 1))
    assert [40, 40] == held(log, "first", "second")


def test_the_loss_goes_on_to_the_next_reservation() -> None:
    log = log_with(100)
    log.say(reserve("a", 30), reserve("b", 30), reserve("c", 30))
    assert [("c", 30, "SUPPLY_LOST"), ("b", 15, "SUPPLY_LOST")] == lost(log.say(count(45, AT + 1)))
    assert [30, 15, 0] == held(log, "a", "b", "c")


def test_within_a_reservation_the_newest_allocation_goes_first() -> None:
    log = log_with(100)
    log.say(reserve("r", 30), reserve("r", 50, at=AT + 1))
    first, second = [(e.offset, e.ordinal) for e in log.events if isinstance(e, AllocationCommitted)]
    events = log.say(count(20, AT + 1))
    assert [(second, 20), (first, 10)] == [
        (e.allocation, e.quantity) for e in events if isinstance(e, AllocationReleased)
    ]


def test_what_was_taken_back_waits_at_its_old_place() -> None:
    log = log_with(50)
    log.say(reserve("old", 50), reserve("new", 20), count(10, AT + 1))
    log.say(count(50, AT + 2))
    assert [50, 0] == held(log, "old", "new")


def test_the_place_is_that_of_the_request_not_that_of_the_commit() -> None:
    log = log_with(0)
    log.say(reserve("asked first", 30), reserve("asked next", 30), count(60, AT + 1), count(0, AT + 2))
    assert ([2], [3]) == (log.reservation("asked first").queued, log.reservation("asked next").queued)


def test_what_waits_at_one_place_is_one_part() -> None:
    log = log_with(50)
    log.say(reserve("r", 80, allow_partial=True), count(20, AT + 1))
    row = log.reservation("r")
    assert ([2], 60, Status.PARTIAL) == (row.queued, row.waiting, status(row))
    log.say(count(90, AT + 2))
    assert (10, 80) == log.shows()


def test_it_waits_even_if_it_never_allowed_a_backorder() -> None:
    log = log_with(50)
    log.say(reserve("r", 50, allow_backorder=False), count(0, AT + 1))
    assert (50, None) == (log.reservation("r").waiting, log.reservation("r").ended)


def test_earmarked_units_go_back_behind_their_earmark() -> None:
    log = log_with(100)
    log.say(grant("STORE", 30), reserve("r", 50, "STORE"), count(40, AT + 1))
    assert (30, 30) == (log.item().channels["STORE"].consumed, log.item().channels["STORE"].granted)
    log.say(count(20, AT + 2))
    assert (20, 30) == (log.item().channels["STORE"].consumed, log.item().channels["STORE"].granted)


def test_a_policy_that_begins_to_take_back_finds_the_promises_made_before() -> None:
    log = log_with(100, "keep")
    log.say(reserve("r", 80), reserve("s", 20), count(70, AT + 1))
    events = log.say(policy({"shortage": "deallocate", "tenants": {"*": {"channels": CHANNELS}}}))
    assert [("s", 20, "SUPPLY_LOST"), ("r", 10, "SUPPLY_LOST")] == lost(events)


def test_a_tenant_may_choose_otherwise_than_the_document() -> None:
    log = log_with(100)
    log.say(policy({"shortage": "deallocate", "tenants": {"*": {"channels": CHANNELS, "shortage": "keep"}}}))
    log.say(reserve("r", 80))
    assert [] == lost(log.say(count(50, AT + 1)))


def test_what_is_released_later_serves_what_was_taken_back() -> None:
    log = log_with(100)
    log.say(reserve("r", 80), reserve("s", 20), count(70, AT + 1), release("r", 30))
    assert ([50, 20], (0, 70)) == (held(log, "r", "s"), log.shows())


def test_promises_of_many_are_taken_back_in_slices() -> None:
    log = log_with(100)
    log.say(*(reserve(f"r{number}", 20) for number in range(5)))
    with tight_bounds(served=2, enough=1):
        events = log.say(count(5, AT + 1), release("r0", 1))
    assert [("r4", 20), ("r3", 20), ("r2", 20), ("r1", 20), ("r0", 15)] == [
        (reservation, units) for reservation, units, reason in lost(events) if reason == "SUPPLY_LOST"
    ]
    assert (0, 5) == log.shows()


def test_promises_made_before_are_found_in_slices_whatever_their_names() -> None:
    log = log_with(100, "keep")
    names = ["r", "r!", "rA", "rZ", "r~"]
    log.say(*(reserve(name, 20) for name in names))
    with tight_bounds(served=2, enough=1):
        log.say(policy({"shortage": "deallocate", "tenants": {"*": {"channels": CHANNELS}}}))
        log.say(count(0, AT + 1))
    assert ([0] * 5, None) == (held(log, *names), log.item().work)


def test_what_is_found_and_taken_back_within_a_slice_leaves_no_work() -> None:
    log = log_with(100, "keep")
    log.say(reserve("r", 80), count(50, AT + 1))
    version = log.item().version
    log.say(policy({"shortage": "deallocate", "tenants": {"*": {"channels": CHANNELS}}}))
    assert ([50], version + 1) == (held(log, "r"), log.item().version)


def test_a_request_at_the_very_beginning_of_the_log_keeps_its_place() -> None:
    log = Log()
    log.say(reserve("first", 30), policy({"shortage": "deallocate", "tenants": {"*": {"channels": CHANNELS}}}))
    log.say(count(30), count(0, AT + 1))
    assert [0] == log.reservation("first").queued


def test_who_keeps_promises_again_keeps_no_place_of_what_has_ended() -> None:
    log = log_with(100)
    log.say(reserve("r", 80), policy({"shortage": "keep", "tenants": {"*": {"channels": CHANNELS}}}), release("r"))
    assert [] == [key for key in log.rows if "|o|" in key]


def test_a_policy_that_begins_to_take_back_may_also_serve_many_who_wait() -> None:
    log = Log()
    log.say(policy({"tenants": {"*": {"channels": CHANNELS, "safety_stock": {"fixed": 1}}}}), count(100))
    log.say(*(reserve(f"r{number}", 20) for number in range(5)))
    with tight_bounds(served=2, enough=1):
        log.say(policy({"shortage": "deallocate", "tenants": {"*": {"channels": CHANNELS}}}))
    assert ((0, 100), []) == (log.shows(), log.faults)
