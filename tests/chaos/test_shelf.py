"""The oracle's stock by the golden numbers of the domain, in every order of arrival, and what time may refuse."""

import random
from itertools import permutations

import pytest

from atp_stream.oracle.policy import FIRST, rules
from atp_stream.oracle.shelf import Past, Shelf, Stale
from atp_stream.oracle.stock import Gone, Said

RULES = rules({**FIRST, "stock": {"window": 60}}, "acme", "lamp")
LATE_SKEW = rules({**FIRST, "stock": {"window": 60, "skew": 0.000002}}, "acme", "lamp")
SECOND = 1_000_000


def count(at, absolute, location=""):
    return Said(at, ("counted", (at, absolute)), None, absolute, False, location)


def adjusted(at, delta, absolute=None, location="", name=None):
    return Said(at, ("adjusted", name or (at, delta, absolute)), delta, absolute, False, location)


def shelf_of(*facts, gone=(), living_by=RULES):
    shelf = Shelf()
    for fact in facts:
        assert shelf.take(fact._replace(skew_us=living_by.skew_us), 0)
    shelf.let_go("r", list(gone))
    return shelf


def numbers(*facts, gone=(), living_by=RULES):
    shelf = shelf_of(*facts, gone=gone, living_by=living_by)
    held = shelf.held()
    return held.on_hand, shelf.gap(), held.basis, held.split


GOLDEN = {
    "a count and deltas": ([count(1, 20), adjusted(2, -5), adjusted(3, 2)], (17, 0, 20, False)),
    "deltas alone": ([adjusted(2, -5), adjusted(3, 2)], (-3, 0, 0, False)),
    "two counts of one instant": ([count(5, 10), count(5, 8)], (8, 0, 10, False)),
    "there and back": ([count(1, 20), adjusted(2, -5, 15), adjusted(2, 5, 20)], (20, 0, 20, False)),
    "there and back in an instant with a count": ([count(2, 20), adjusted(2, -5, 15), adjusted(2, 5, 20)],
                                                  (15, 0, 20, False)),
    "a chain of one stamp": ([count(1, 3), adjusted(2, -1, 2), adjusted(2, -1, 1), adjusted(2, -1, 0)],
                             (0, 0, 0, False)),
    "a lost link": ([count(1, 9), adjusted(2, -1, 8), adjusted(2, -1, 5)], (5, -2, 8, False)),
    "a sale at the stamp of a count": ([count(1, 100), adjusted(1, -5)], (95, 0, 100, False)),
    "a delivery at the stamp of a count": ([count(1, 100), adjusted(1, 5)], (100, 0, 100, False)),
    "a gap": ([count(1, 10), adjusted(2, -1), adjusted(3, -1, 5)], (5, -3, 5, False)),
    "a count begins anew": ([adjusted(1, -1, 9), adjusted(2, -1, 3), count(3, 50)], (50, 0, 50, False)),
    "both with a place and without": ([count(1, 10), count(2, 4, "a"), count(3, 5, "b")], (9, 0, 9, True)),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_a_set_of_facts_gives_its_numbers_in_every_order(name):
    facts, wanted = GOLDEN[name]

    assert {wanted} == {numbers(*order) for order in permutations(facts)}


def test_a_burst_of_one_second_is_sold_out_in_any_order():
    facts = [count(1, 500), *(adjusted(SECOND, -1, 499 - number) for number in range(500))]
    random.Random(1).shuffle(facts)

    assert (0, 0, 0, False) == numbers(*facts)


GONE = {
    "nothing was counted": ([adjusted(1, 9)], [Gone(5, 2, "")], 7),
    "behind the count of its place": ([count(4, 9, "a")], [Gone(5, 2, "a")], 7),
    "in the count of its place": ([count(5, 7, "a"), count(1, 1, "b")], [Gone(5, 2, "a")], 8),
    "from nowhere, until every place was counted": ([count(9, 7, "a"), count(1, 1, "b")], [Gone(5, 2, "")], 6),
    "from nowhere, and every place was counted": ([count(9, 7, "a"), count(5, 1, "b")], [Gone(5, 2, "")], 8),
    "from a place that nobody counts": ([count(9, 7, "a"), count(1, 1, "b")], [Gone(5, 2, "c")], 6),
}


@pytest.mark.parametrize("name", GONE)
def test_what_has_left_is_missing_until_it_is_counted(name):
    facts, gone, on_hand = GONE[name]

    assert on_hand == numbers(*facts, gone=gone)[0]


def test_what_left_within_the_skew_is_not_in_a_count_yet():
    assert [7, 5] == [numbers(count(6, 7), gone=[Gone(5, 2, "")], living_by=r)[0] for r in (RULES, LATE_SKEW)]


def test_each_absolute_includes_what_its_own_skew_says():
    early = count(6, 7)._replace(skew_us=2)
    for late, on_hand in ((count(7, 7)._replace(skew_us=2), 7), (count(7, 7)._replace(skew_us=3), 5), (count(5, 1), 7)):
        shelf = Shelf()
        assert [True, True] == [shelf.take(early, 0), shelf.take(late, 0)]
        shelf.let_go("r", [Gone(5, 2, "")])
        assert on_hand == shelf.held().on_hand


def test_shipments_may_explain_a_gap():
    assert 0 == numbers(count(1, 9), adjusted(7, -1, 6), gone=[Gone(5, 2, "")])[1]


def test_what_is_said_anew_of_a_reservation_replaces_what_was_said_before():
    shelf = shelf_of(count(1, 9), gone=[Gone(5, 2, "")])
    shelf.let_go("r", [Gone(5, 1, "")])

    assert 8 == shelf.held().on_hand


def taken(fact, *, generation, known):
    """What becomes of a fact behind one that came in generation 5."""
    shelf = Shelf()
    assert shelf.take(known, 5)
    try:
        return shelf.take(fact, generation)
    except (Stale, Past) as refusal:
        return type(refusal)


@pytest.mark.parametrize(
    ("generation", "at", "fate"),
    [(5, 5, True), (6, 5, True), (7, 5, Past), (6, 10, True), (7, 10, Stale), (7, 11, True), (9, 11, True)],
)
def test_what_was_overtaken_comes_too_late_from_the_second_generation_behind_on(generation, at, fate):
    assert fate == taken(adjusted(at, -1), generation=generation, known=count(10, 100))


def test_what_ships_a_reservation_is_stale_though_an_absolute_holds_it():
    ships = adjusted(5, -1)._replace(reservation=True)

    assert [True, Stale] == [taken(ships, generation=number, known=count(10, 100)) for number in (6, 7)]


def test_what_a_forgotten_fact_overtook_comes_too_late_though_another_of_its_stamp_is_remembered():
    shelf = Shelf()
    for generation in (0, 1):
        assert shelf.take(adjusted(10, -1, name=generation), generation)

    with pytest.raises(Stale):
        shelf.take(adjusted(9, -5), 2)


@pytest.mark.parametrize(("generation", "fate"), [(5, False), (6, False), (7, Stale)])
def test_an_id_is_known_in_its_generation_and_the_next(generation, fate):
    assert fate == taken(count(10, 100), generation=generation, known=count(10, 100))


@pytest.mark.parametrize(("generation", "fate"), [(6, False), (7, True)])
def test_an_id_with_a_newer_stamp_is_known_as_long_and_counts_afterwards(generation, fate):
    assert fate == taken(count(10, 100)._replace(at_us=11), generation=generation, known=count(10, 100))


def test_an_id_is_known_per_kind_and_place():
    fact = adjusted(1, 5, name="x")
    shelf = shelf_of(fact, fact._replace(location="a"), fact._replace(id=("counted", "x"), delta=None, absolute=5))

    assert [False] * 2 == [shelf.take(fact._replace(location=place), 0) for place in ("", "a")]
