"""Who may claim what, as the oracle counts it, with the numbers of docs/rules/availability.md and of the design."""

import pytest

from atp_stream.oracle.division import Division, Quota, earmarked
from atp_stream.oracle.inputs import Asked
from atp_stream.oracle.item import Item
from atp_stream.oracle.policy import rules

NOON = 1_700_000_000_000  # milliseconds
TODAY = NOON // 86_400_000
GRANTS = [Quota("a", 400, 0, 1, 100), Quota("b", 100, 0, 2, 0), Quota("c", 300, 0, 3, 300), Quota("d", 200, 0, 4, 0)]


def ruled(channels, **section):
    return rules({"tenants": {"*": {"channels": channels, **section}}}, "acme", "lamp")


def asked(kind, second, **said):
    return Asked(kind, "acme", "lamp", f"{kind} {second}", NOON * 1000 + second * 1_000_000, **said)


def operated(item, place, command, **said):
    document = {"event_id": f"o{place}", "at": NOON * 1000, "command": command, **said}
    return item.operated(document, place, NOON, {})


@pytest.mark.parametrize(("free", "expected"), [(1000, (400, 100, 300, 200)), (300, (100, 0, 200, 0))])
def test_earmarks_are_all_that_is_granted_or_minima_by_rank_and_then_the_rest(free, expected):
    assert expected == tuple(earmarked(free, GRANTS, 1).values())


def test_equal_ranks_share_in_proportion():
    assert {"a": 250, "b": 250} == earmarked(500, [Quota("a", 500, 0, 1, 0), Quota("b", 500, 0, 1, 0)], 1)


def test_who_consumed_more_than_comes_to_him_has_no_earmark_and_leaves_the_sharing():
    assert {"a": 0, "b": 100} == earmarked(100, [Quota("a", 1000, 900, 1, 0), Quota("b", 1000, 0, 1, 0)], 1)


@pytest.mark.parametrize(("weights", "expected"), [((0.25, 0.1), (2500, 1000)), ((0.8, 0.8), (5000, 5000))])
def test_shares_are_of_the_pool_and_count_in_proportion_if_they_are_more_than_all(weights, expected):
    said = ruled({name: {"kind": "SHARE", "weight": weight} for name, weight in zip("ab", weights, strict=True)})
    division = Division(said, ["a", "b"], [])

    assert expected == (division.claim("a", 10_000), division.claim("b", 10_000))


def test_a_frozen_channel_claims_nothing_and_what_is_frozen_of_the_item_counts_first():
    section = {"ECOM": {}, "STORE": {"kind": "FROZEN"}}
    document = {"tenants": {"*": {"channels": section, "frozen": {"ECOM": True}}}}

    assert (0, 0) == tuple(Division(rules(document, "a", "i"), [*section], []).claim(one, 100) for one in section)
    assert 100 == Division(rules(document, "a", "i", {"frozen": {"ECOM": False}}), [*section], []).claim("ECOM", 100)


def test_t11_a_promise_by_day_leaves_the_earmark_of_another_channel_as_it_is():
    item = Item(ruled({"ECOM": {}, "B2B": {"kind": "QUOTA"}}))
    item.asked(asked("counted", 0, absolute=4000), 1, NOON)
    operated(item, 2, "grant", channel="B2B", quantity=4000)
    item.asked(asked("supply_scheduled", 1, supply="po", quantity=6000, day=TODAY + 5), 3, NOON)
    assert {"ECOM": (0, ((TODAY + 5, 6000),)), "B2B": (4000, ())} == by_day(item)

    item.asked(asked("created", 2, reservation="r", channel="ECOM", quantity=6000, day=TODAY + 5), 4, NOON)
    assert {"ECOM": (0, ()), "B2B": (4000, ())} == by_day(item)


def by_day(item):
    projection = item.projection()
    return projection and projection.channels


def test_a_promise_by_day_takes_of_the_earmark_and_a_release_gives_it_back():
    item = Item(ruled({"ECOM": {}, "B2B": {"kind": "QUOTA"}}))
    item.asked(asked("counted", 0, absolute=4000), 1, NOON)
    operated(item, 2, "grant", channel="B2B", quantity=3000)
    item.asked(asked("created", 1, reservation="r", channel="B2B", quantity=2500, day=TODAY + 5), 3, NOON)
    assert (2500, (1000, 500)) == (item.consumed("B2B"), available(item))

    item.asked(asked("released", 2, reservation="r"), 4, NOON)
    assert (0, (1000, 3000)) == (item.consumed("B2B"), available(item))


def available(item):
    return tuple(item.rows()[channel][0] for channel in ("ECOM", "B2B"))


def test_the_tenants_limit_begins_with_a_promise_of_whoever_wants_a_day_and_ends_it():
    item = Item(ruled({"ECOM": {}}, time_limit=3600))
    item.asked(asked("counted", 0, absolute=4000), 1, NOON)
    item.asked(asked("created", 1, reservation="r", channel="ECOM", quantity=1000, day=TODAY + 5), 2, NOON)
    limit = NOON * 1000 + 3_600_000_000

    assert limit == item.claims["r"].expires_at_us
    assert not item.run_out(limit - 1, 3, NOON + 3_600_000)
    assert item.run_out(limit, 4, NOON + 3_600_000)
    assert ("EXPIRED", 0) == (item.claims["r"].ended, item.claims["r"].promised)


def test_the_limit_of_who_waits_begins_with_his_first_units_and_not_before():
    item = Item(ruled({"ECOM": {}}, time_limit=3600))
    item.asked(asked("created", 1, reservation="r", channel="ECOM", quantity=1000), 1, NOON)
    assert item.claims["r"].expires_at_us is None

    item.asked(asked("counted", 2, absolute=1000), 2, NOON + 60_000)
    assert NOON * 1000 + 3_660_000_000 == item.claims["r"].expires_at_us


def test_what_a_kind_does_not_know_is_refused_of_an_item():
    item = Item(ruled({"ECOM": {}}))

    with pytest.raises(Exception, match="policy_invalid"):
        operated(item, 1, "edit_item", patch={"channels": {"ECOM": {"weight": 0.5}}})
