"""Which policies an item meets within a step, and what a resumed one lives by, by example."""

from typing import Any

import pytest

from atp_stream.domain.commands import Entry
from atp_stream.domain.events import AllocationReleased, AvailabilityCalculated
from atp_stream.domain.item.policy_history import lived_by
from atp_stream.domain.row_keys import WORK
from atp_stream.domain.state.overlay import State
from tests.domain.support.folding import tight_bounds
from tests.domain.support.log import AT, LAMP, NOON, Log, confirm, count, edit_item, policy, reserve, resume, tick

CHANNELS: dict[str, Any] = {"ECOM": {}, "STORE": {}, "B2B": {}, "MARKETPLACE": {}}
OWN = {"channels": {"ECOM": {"buffer": 3}}}


def of_all(**section: Any) -> dict[str, Any]:
    return {"tenants": {"*": {"channels": CHANNELS, **section}}}


def of_acme(**section: Any) -> dict[str, Any]:
    return {"tenants": {"*": {"channels": CHANNELS}, "acme": {"channels": CHANNELS, **section}}}


def test_what_is_written_for_an_item_with_a_policy_of_its_own_is_no_news_to_it() -> None:
    log = Log()
    items = {"lamp": {"channels": {"ECOM": {"buffer": 1}}}}
    log.say(edit_item(OWN), policy(of_all(items=items)), count(900))
    assert ((600, 0), 2) == (log.shows(), log.item().version)


def test_of_two_policies_in_a_step_only_that_is_met_which_changes_something() -> None:
    log = Log()
    withheld = {"safety_stock": {"fixed": 1}}
    log.say(count(900), policy(of_acme(**withheld)), policy(of_acme(**withheld)), reserve("a", 100))
    assert ((700, 100), 3, []) == (log.shows(), log.item().version, log.faults)


def test_so_it_is_with_a_policy_of_its_own() -> None:
    log = Log()
    withheld = {"safety_stock": {"fixed": 1}}
    items = {"lamp": {"channels": {"ECOM": {"buffer": 1}}}}
    log.say(edit_item(OWN), policy(of_acme(**withheld)), policy(of_acme(**withheld, items=items)), count(900))
    assert ((500, 0), 3) == (log.shows(), log.item().version)


def test_an_item_that_the_sweep_has_not_reached_lives_by_its_own_policy() -> None:
    log, last = Log(), "acme|z"
    for name in ("acme|a", "acme|b", last):
        log.say(count(900), name=name)
    log.say(edit_item(OWN), name=last)
    items = {name: {"channels": {"ECOM": {"buffer": 1}}} for name in ("a", "b", "z")}
    with tight_bounds(served=1, enough=9):
        log.step([Entry(0, 90, NOON, "|", policy(of_all(items=items)))])
        log.step([Entry(0, 91, NOON, last, reserve("r", 100))])
    assert ((500, 100), 3) == (log.shows("ECOM", last), log.item(last).version)


def test_what_a_tenant_writes_for_an_item_reaches_it_without_a_command() -> None:
    log = Log()
    log.say(count(900))
    log.say(policy(of_acme(items={"lamp": {"channels": {"ECOM": {"buffer": 1}}}})))
    assert (800, 0) == log.shows()


def test_a_patch_of_an_item_starts_from_what_its_tenant_writes_for_it() -> None:
    log = Log()
    log.say(policy(of_acme(items={"lamp": {"channels": {"ECOM": {"buffer": 1}}}})), count(900))
    log.say(edit_item({"channels": {"STORE": {"buffer": 2}}}))
    assert ((800, 0), (700, 0)) == (log.shows(), log.shows("STORE"))


def test_an_item_of_a_tenant_of_which_nothing_is_written_can_be_patched() -> None:
    log = Log()
    log.say(policy({"tenants": {"umbra": {"channels": CHANNELS}}}), count(900), edit_item(OWN))
    assert ((600, 0), []) == (log.shows(), log.faults)


def test_to_thaw_a_channel_that_nobody_has_named_gives_it_no_name() -> None:
    log = Log()
    log.say(count(900), edit_item({"frozen": {"POPUP": False, "KIOSK": True}}))
    assert [*CHANNELS, "KIOSK"] == list(log.item().channels)


# An item that has work to finish, and what it keeps meanwhile


def busy_log() -> Log:
    """Return a log in which an item has many to serve."""
    log = Log()
    log.say(*(reserve(f"w{number}", 45) for number in range(20)))
    log.step([Entry(0, 90, NOON, LAMP, count(1_900))])
    return log


@pytest.mark.parametrize(
    ("section", "shown", "changes"),
    [
        ({"items": {"lamp": {"channels": {"ECOM": {"buffer": 1}}}}}, 700, 0),
        ({"safety_stock": {"fixed": 1}}, 600, 1),
    ],
    ids=["no news", "news"],
)
def test_a_policy_behind_a_kept_edit_is_met_if_it_is_news_to_the_edited_item(
    section: dict[str, Any], shown: int, changes: int
) -> None:
    with tight_bounds(served=8, enough=100, kept=9):
        log = busy_log()
        log.run([Entry(0, 91, NOON, LAMP, edit_item(OWN)), Entry(0, 92, NOON, "|", policy(of_all(**section)))])
    assert ((shown, 900), 24 + changes) == (log.shows(), log.item().version)


@pytest.mark.parametrize(("policy_at", "reserve_at", "waiting"), [(91, 92, 500), (92, 91, 0)])
def test_a_deferred_command_and_a_policy_are_taken_in_the_order_of_the_log(
    policy_at: int, reserve_at: int, waiting: int
) -> None:
    said = [
        Entry(0, policy_at, NOON, "|", policy(of_all(safety_stock={"fixed": 9}))),
        Entry(0, reserve_at, NOON, LAMP, reserve("a", 500)),
    ]
    with tight_bounds(served=8, enough=100, kept=9):
        log = busy_log()
        log.run(sorted(said, key=lambda entry: entry.offset))
    assert waiting == log.reservation("a").waiting


@pytest.mark.parametrize(("tick_at", "confirm_at", "expired"), [(91, 92, ["w0"]), (92, 91, [])])
def test_a_deferred_command_and_a_tick_are_taken_in_the_order_of_the_log(
    tick_at: int, confirm_at: int, expired: list[str]
) -> None:
    limit, later = AT + 60_000_000, NOON + 60_000
    said = [Entry(0, tick_at, later, "|", tick(limit)), Entry(0, confirm_at, later, LAMP, confirm("w0"))]
    with tight_bounds(served=8, enough=100, kept=9):
        log = Log()
        log.say(*(reserve(f"w{number}", 45, expires_at=None if number else limit) for number in range(20)))
        log.step([Entry(0, 90, NOON, LAMP, count(1_900))])
        log.run(sorted(said, key=lambda entry: entry.offset))
    assert expired == [event.reservation for event in log.events if isinstance(event, AllocationReleased)]


# Items that stood still


def stop(log: Log) -> None:
    """Let a fault of ours stop the item, with one command kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atp_stream.domain.fold.dispatch.reserve", lambda *_: 1 / 0)
        log.say(reserve("kept", 100))


def test_a_resumed_item_lives_by_its_own_policy() -> None:
    log = Log()
    log.say(count(900), edit_item(OWN))
    stop(log)
    events = log.say(resume())
    assert [600, 500] == [e.available for e in events if isinstance(e, AvailabilityCalculated) and e.channel == "ECOM"]


def test_a_resumed_item_of_which_promises_may_be_taken_back_by_now_finds_them() -> None:
    log = Log()
    log.say(count(900), reserve("old", 800))
    stop(log)
    log.say(policy({"shortage": "deallocate", **of_all()}), count(500, AT + 1), resume())
    assert [300] == [e.quantity for e in log.events if isinstance(e, AllocationReleased) and e.reservation == "old"]
    assert (None, (0, 500)) == (log.item().quarantine, log.shows())


def test_a_resumed_item_that_has_kept_nothing_is_done() -> None:
    log = Log()
    log.say(count(900))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atp_stream.domain.item.open_item.OpenItem.meet", lambda *_: 1 / 0)
        log.say(policy(of_all(safety_stock={"fixed": 1})))
    assert ("fault -1", 0) == (log.item().quarantine, log.item().deferred)
    log.say(resume())
    assert ((800, 0), False, []) == (log.shows(), log.item().resuming, [key for key in log.rows if key == WORK + LAMP])


def test_an_item_that_was_stopped_amid_its_limits_goes_on_with_them_when_it_is_resumed() -> None:
    log, limit = Log(), AT + 60_000_000
    log.say(count(500), *(reserve(reservation, 100, expires_at=limit) for reservation in "abcde"))
    with tight_bounds(served=2, enough=1):
        log.step([Entry(0, 90, NOON + 60_000, "|", tick(limit))])
        log.step([])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("atp_stream.domain.fold.follow_up.fire_timers", lambda *_: 1 / 0)
            log.run([])
        assert (0, 300) == log.shows()
        log.say(resume())
    assert (500, 0) == log.shows()


@pytest.mark.parametrize(
    "documents",
    [
        [of_acme(items={"rug": {}}), of_acme(), of_acme(items={"lamp": {"channels": {"ECOM": {"buffer": 1}}}})],
        [of_all(), of_all(), of_all(safety_stock={"fixed": 1})],
    ],
)
def test_the_last_of_some_policies_reaches_an_item_also_where_the_others_change_nothing_for_it(
    documents: list[Any],
) -> None:
    log = Log()
    log.say(count(900))
    log.say(*(policy(document) for document in documents))
    assert ((800, 0), 2) == (log.shows(), log.item().version)


def test_a_policy_reaches_all_items_of_a_tenant_whose_name_is_one_letter() -> None:
    log, names = Log(), ["a|lamp", "a|rug"]
    for name in names:
        log.say(count(900), name=name)
    log.say(policy(of_all(safety_stock={"fixed": 1})))
    assert [(800, 0), (800, 0)] == [log.shows("ECOM", name) for name in names]


def test_an_item_that_the_sweep_has_passed_lives_by_the_newer_policy() -> None:
    log = Log()
    for number in range(9):
        log.say(count(900), name=f"acme|{number}")
    with tight_bounds(served=8, enough=9):
        log.step([Entry(0, 90, NOON, "|", policy({"default_channel": "STORE", **of_all()}))])
        log.step([])
    passed, ahead = (lived_by(State(log.read, log.scan), name, log.item(name))[0] for name in ("acme|0", "acme|8"))
    assert ("STORE", "ECOM") == (passed.default_channel, ahead.default_channel)


def test_a_policy_for_an_item_that_was_taken_back_at_once_is_met_all_the_same() -> None:
    log = Log()
    log.say(count(900))
    log.say(policy(of_acme(items={"lamp": {"channels": {"ECOM": {"buffer": 1}}}})), policy(of_acme()))
    assert ((900, 0), 3) == (log.shows(), log.item().version)
