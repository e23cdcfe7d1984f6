"""The oracle sees what a product with bounds does to a busy item: each of these was a fault of a real one.

A long history is written by the oracle's own model, and again with one fault in it; the first must pass, the other not.
"""

import json
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import pytest

from atp_stream.oracle import check, item
from atp_stream.oracle.claim import Claim
from atp_stream.oracle.item import Item
from atp_stream.oracle.shelf import Shelf
from tests.chaos.scribe import Scribe

MINUTE = {"stock": {"window": 60}, "tenants": {"*": {"channels": {"ECOM": {}}}}}
DEALLOCATE = {"tenants": {"*": {"channels": {"ECOM": {}}, "shortage": "deallocate"}}}


@contextmanager
def lossy(event_id):
    """Let the stock not hear of a fact."""
    take = Shelf.take

    def deaf(shelf, fact, *rest):
        return False if fact.id[1] == event_id else take(shelf, fact, *rest)

    with patch.object(Shelf, "take", deaf):
        yield


@contextmanager
def forgetful(most):
    """Let the stock remember the ids of its newest facts only."""
    take = Shelf.take

    def short_of_memory(shelf, fact, *rest):
        place = shelf._locations.get(fact.location)
        for old in [*place.known][:-most] if place else []:
            del place.known[old]
        return take(shelf, fact, *rest)

    with patch.object(Shelf, "take", short_of_memory):
        yield


@contextmanager
def misplaced(event_id):
    """Let the stock note a fact at another location."""
    take = Shelf.take

    def elsewhere(shelf, fact, *rest):
        return take(shelf, fact._replace(location="hamburg") if fact.id[1] == event_id else fact, *rest)

    with patch.object(Shelf, "take", elsewhere):
        yield


@contextmanager
def shipped_otherwise(change):
    """Let what left for a reservation stand otherwise in the stock."""
    let_go = Shelf.let_go

    with patch.object(Shelf, "let_go", lambda shelf, name, gone: let_go(shelf, name, change(name, gone))):
        yield


def sold(count, **said):
    """A count of 1,000 and sales of 1, each in a message of its own."""
    scribe = Scribe()
    scribe.says("counted", onHand=1_000, eventId="count")
    for number in range(count):
        scribe.says("adjusted", at=number, eventId=f"sale-{number}", adjusted_quantity=-1, **said)
    return scribe


def judged(scribe, fault=None, policy=None):
    return check(scribe.history(fault, policy))


def test_a_long_true_history_passes():
    report = judged(sold(700))

    assert ([], 701) == (report.objections, report.applied)


@pytest.mark.parametrize("lost", [0, 100, 699])
def test_a_lost_fact_of_a_hot_item_is_seen(lost):
    assert not judged(sold(700), lossy(f"sale-{lost}")).balanced


def test_a_fact_that_is_counted_again_behind_hundreds_of_others_is_seen():
    scribe = sold(700)
    first = scribe.inputs[1]
    scribe.inputs.append(first._replace(offset=700, timestamp=scribe.inputs[-1].timestamp + 1))

    assert (True, 1) == (judged(scribe).balanced, judged(scribe).duplicates)
    assert not judged(scribe, forgetful(64)).balanced


@pytest.mark.parametrize("late", [1, 400])
def test_a_false_stale_letter_is_a_loss(late):
    scribe = sold(700)
    scribe.refuses(scribe.inputs[late], "stale")

    assert 0 < judged(scribe, lossy(f"sale-{late - 1}")).lost


def test_a_false_stale_letter_is_a_loss_even_of_a_fact_that_changes_nothing():
    scribe = Scribe()
    early = scribe.says("adjusted", at=1, eventId="early", adjusted_quantity=-1)
    scribe.says("counted", at=2, onHand=10)
    scribe.refuses(early, "stale")

    assert 0 < judged(scribe).lost


def test_a_fact_at_the_wrong_location_is_seen():
    scribe = Scribe()
    for place in ("berlin", "hamburg"):
        scribe.says("counted", at=5, onHand=10, locationId=place)
    scribe.says("adjusted", at=9, eventId="sale", adjusted_quantity=-1, locationId="berlin")
    scribe.says("counted", at=12, eventId="again", onHand=7, locationId="hamburg")

    assert judged(scribe).balanced
    assert not judged(scribe, misplaced("sale")).balanced


def under_way(count):
    """As many orders of 1, shipped from nowhere in particular; two places are counted, one of them never again."""
    scribe = Scribe()
    for place in ("berlin", "hamburg"):
        scribe.says("counted", at=0, eventId=f"count-{place}", onHand=5_000, locationId=place)
    for number in range(count):
        scribe.says("created", at=1, eventId=f"c{number}", reservationId=f"r{number}", channel="ECOM", quantity=1)
        scribe.says("fulfilled", at=2 + number, eventId=f"f{number}", reservationId=f"r{number}", quantity=1)
    return scribe


def test_thousands_of_shipments_under_way_pass():
    assert [] == judged(under_way(1_500)).objections


@pytest.mark.parametrize("lost", ["r0", "r999"])
def test_a_lost_shipment_of_a_thousand_is_seen(lost):
    fault = shipped_otherwise(lambda name, gone: [] if name == lost else gone)

    assert not judged(under_way(1_000), fault).balanced


def test_shipments_that_are_merged_are_seen():
    """A product that keeps few takes some for later than they were: a count that includes them does not."""
    scribe = under_way(100)
    for place in ("berlin", "hamburg"):
        scribe.says("counted", at=50, eventId=f"recount-{place}", onHand=4_900, locationId=place)
    later = shipped_otherwise(lambda _, gone: [one._replace(at_us=one.at_us + 60_000_000) for one in gone])

    assert judged(scribe).balanced
    assert not judged(scribe, later).balanced


def test_a_homeless_shipment_that_each_place_counts_is_seen():
    fault = shipped_otherwise(lambda name, gone: [*gone, *gone] if name == "r5" else gone)

    assert not judged(under_way(20), fault).balanced


def test_a_homeless_shipment_that_the_first_count_includes_is_seen():
    scribe = under_way(20)
    scribe.says("counted", at=500, eventId="recount", onHand=4_980, locationId="berlin")
    at_home = shipped_otherwise(lambda _, gone: [one._replace(location="berlin") for one in gone])

    assert judged(scribe).balanced
    assert not judged(scribe, at_home).balanced


def late(behind, stamped, begins=0):
    """A fact that comes `behind` seconds after a count stamped 1 second, in generations of a minute.

    The count comes when `begins` seconds of its generation have passed.
    """
    scribe = Scribe()
    scribe.says("counted", at=0, eventId="first", onHand=10)
    _never_silent(scribe, begins)
    scribe.says("counted", at=1_000, eventId="second", onHand=10)
    _never_silent(scribe, behind)
    fact = scribe.says("adjusted", at=stamped, adjusted_quantity=-1, eventId="late")
    return scribe, fact


def _never_silent(scribe, seconds):
    for _ in range(0, seconds, 5):
        scribe.wait(5)
        number = len(scribe.inputs)
        scribe.says("counted", at=number, itemId="other", onHand=1, eventId=f"other-{number}")


def test_a_fact_that_was_overtaken_by_less_than_the_window_counts():
    scribe, fact = late(55, 1_000)
    scribe.refuses(fact, "stale")

    assert 0 < judged(scribe, lossy("late"), MINUTE).lost


def test_a_fact_that_was_overtaken_by_two_windows_is_stale_at_the_newest_absolute():
    scribe, fact = late(130, 1_000)
    assert not judged(scribe, policy=MINUTE).balanced

    scribe.refuses(fact, "stale")
    assert [] == judged(scribe, policy=MINUTE).objections


def test_a_fact_that_was_overtaken_by_two_windows_is_past_in_front_of_the_newest_absolute():
    scribe, fact = late(130, 500)
    assert ([], 1) == (judged(scribe, policy=MINUTE).objections, judged(scribe, policy=MINUTE).past)

    scribe.refuses(fact, "stale")
    assert not judged(scribe, policy=MINUTE).balanced


def test_between_one_window_and_two_a_fact_counts_until_the_next_generation_has_ended():
    scribe, fact = late(90, 1_000, begins=20)
    assert [] == judged(scribe, policy=MINUTE).objections

    scribe.refuses(fact, "stale")
    assert 0 < judged(scribe, lossy("late"), MINUTE).lost


def test_between_one_window_and_two_a_fact_is_stale_once_the_next_generation_has_ended():
    scribe, fact = late(90, 1_000, begins=40)
    assert not judged(scribe, policy=MINUTE).balanced

    scribe.refuses(fact, "stale")
    assert [] == judged(scribe, policy=MINUTE).objections


def test_a_silence_makes_nothing_stale():
    scribe = Scribe()
    scribe.says("counted", at=0, onHand=10)
    scribe.wait(3 * 86_400)
    fact = scribe.says("adjusted", at=0, adjusted_quantity=-1)
    scribe.refuses(fact, "stale")

    assert 0 < judged(scribe, policy=MINUTE).lost


def created(scribe, name, at, units, **said):
    scribe.says("created", at=at, reservationId=name, channel="ECOM", quantity=units, **said)


def test_a_newer_create_of_what_has_ended_that_nobody_answers_is_lost():
    scribe = Scribe()
    scribe.says("counted", onHand=10)
    created(scribe, "o", 1, 4)
    scribe.says("released", at=2, reservationId="o")
    created(scribe, "o", 3, 4)
    history = scribe.history()
    denials = history.of("denied")
    silent = replace(history, records=[record for record in history.records if record not in denials])

    assert ["already_ended"] == [json.loads(record.value)["payload"]["reason"] for record in denials]
    assert (True, 1) == (check(history).balanced, check(silent).lost)


def test_promises_that_are_taken_back_in_another_order_are_seen():
    scribe = Scribe()
    for number in range(1, 7):
        created(scribe, f"r{number}", number, 10)
    scribe.says("counted", at=10, onHand=60)
    scribe.says("counted", at=11, onHand=30)
    by_name = patch.object(Item, "_take_back", _take_back_by_name)

    assert [] == judged(scribe, policy=DEALLOCATE).objections
    assert not judged(scribe, by_name, DEALLOCATE).balanced


def _take_back_by_name(pool):
    """Take all of the first names back."""
    for claim in sorted(pool.claims.values(), key=lambda claim: claim.name):
        if pool.reserved > pool.on_hand and claim.held:
            pool.give_back(claim.name, claim, claim.reserved, "SUPPLY_LOST")


def test_a_newer_create_that_does_not_move_what_left_is_seen():
    scribe = Scribe()
    for place in ("a", "b"):
        scribe.says("counted", at=0, eventId=f"count-{place}", onHand=50, locationId=place)
    created(scribe, "o", 1, 5, locationId="a")
    created(scribe, "o", 2, 5, eventId="moved", locationId="b")
    scribe.says("fulfilled", at=3, reservationId="o", quantity=3)
    scribe.says("counted", at=4, eventId="recount", onHand=47, locationId="b")
    stays = patch.object(Claim, "not_adjusted", lambda claim: [one._replace(location="a") for one in claim.shipped])

    assert [] == judged(scribe).objections
    assert not judged(scribe, stays).balanced


def test_an_id_that_a_release_and_a_fulfilment_share_counts_twice():
    scribe = Scribe()
    scribe.says("counted", onHand=10)
    created(scribe, "o", 1, 4)
    scribe.says("released", at=2, reservationId="o", quantity=1, eventId="part")
    scribe.says("fulfilled", at=3, reservationId="o", quantity=1, eventId="part")

    assert ([], 0) == (judged(scribe).objections, judged(scribe).duplicates)
    assert not judged(scribe, known_by(lambda asked: asked.event_id)).balanced


def test_two_fulfilments_without_an_id_from_two_places_are_two():
    scribe = Scribe()
    for place in ("a", "b"):
        scribe.says("counted", at=0, eventId=f"count-{place}", onHand=50, locationId=place)
    created(scribe, "o", 1, 2)
    for place in ("a", "b"):
        scribe.says("fulfilled", at=3, reservationId="o", quantity=1, locationId=place)

    assert ([], 0) == (judged(scribe).objections, judged(scribe).duplicates)
    assert not judged(scribe, known_by(lambda asked: (asked.kind, asked.at_us, asked.quantity))).balanced


def test_two_sales_without_an_id_for_two_reservations_are_two():
    scribe = Scribe()
    scribe.says("counted", onHand=100)
    for name in ("o1", "o2"):
        created(scribe, name, 1, 1)
        scribe.says("adjusted", at=2, adjusted_quantity=-1, reservationId=name)

    assert ([], 0) == (judged(scribe).objections, judged(scribe).duplicates)
    assert 98 == shown(scribe.history())


def shown(history):
    return json.loads(history.of("availability")[-1].value)["payload"]["available"]


def known_by(name):
    """Let movements of a reservation be told apart by less."""

    def is_known(claim, asked):
        known = name(asked) in claim.known
        claim.known.add(name(asked))
        return known

    return patch.object(item, "_is_known", is_known)
