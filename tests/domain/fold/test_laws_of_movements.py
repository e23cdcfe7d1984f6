"""Whatever comes first, what has left and what the stock contains are the same: against a matching of one to one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from atp_stream.domain.commands import AdjustStock, AnyCommand, Fulfil
from atp_stream.domain.events import AllocationCommitted
from atp_stream.domain.reservations.balances import allocated, shipped
from atp_stream.domain.state.rows import Reservation
from tests.domain.support.log import AT, Log, adjust, count, fulfil, reserve

LOCATIONS = ["", "north", "south"]
BEFORE = AT - 1_000


def statement(number: int, kind: str, units: int, stamp: int, location: str, *, absolute: bool = False) -> AnyCommand:
    if kind == "fulfil":
        return fulfil("a", units, AT + stamp, location=location, event_id=f"{number}")
    after = 50 - units if absolute else None
    return adjust(-units, after, AT + stamp, location=location, reservation="a", event_id=f"{number}")


WORDS = st.lists(
    st.tuples(st.sampled_from(["fulfil", "adjust"]), st.integers(1, 3), st.integers(0, 3), st.sampled_from(LOCATIONS)),
    max_size=7,
)


def most_pairs(events: list[str], adjustments: list[str]) -> int:
    """Return how many units, each with its location, can be reported twice: any matching of one to one."""
    partner: dict[int, int] = {}

    def finds(event: int, tried: set[int]) -> bool:
        for other, location in enumerate(adjustments):
            if other not in tried and (location == events[event] or "" in {location, events[event]}):
                tried.add(other)
                if other not in partner or finds(partner[other], tried):
                    partner[other] = event
                    return True
        return False

    return sum(finds(event, set()) for event in range(len(events)))


def units_by_location(said: list[AnyCommand], kind: type[AnyCommand]) -> list[str]:
    found = []
    for one in said:
        if isinstance(one, kind):
            units = one.quantity if isinstance(one, Fulfil) else -one.delta if isinstance(one, AdjustStock) else None
            found += [getattr(one, "location", "")] * (units or 0)
    return found


@settings(max_examples=2 * settings().max_examples)
@given(WORDS, st.data())
def test_whatever_comes_first_as_few_units_have_moved_as_can_have(
    words: list[tuple[str, int, int, str]], data: st.DataObject
) -> None:
    said = [statement(number, *word) for number, word in enumerate(words)]
    create = reserve("a", 12, location=data.draw(st.sampled_from(LOCATIONS)))
    log = Log()
    log.say(count(100, BEFORE), *data.draw(st.permutations([create, *said])))
    events, adjustments = units_by_location(said, Fulfil), units_by_location(said, AdjustStock)
    moved = len(events) + len(adjustments) - most_pairs(events, adjustments)
    row = log.reservation("a")
    assert (100 - moved, moved, max(0, 12 - moved)) == (log.item().stock.on_hand, shipped(row), allocated(row))
    committed = sum(event.quantity for event in log.events if isinstance(event, AllocationCommitted))
    assert committed - allocated(row) <= moved


@given(WORDS, st.lists(st.tuples(st.integers(0, 4), st.sampled_from(LOCATIONS)), max_size=3), st.data())
def test_any_order_of_fulfilments_adjustments_and_counts_gives_the_same_stock(
    words: list[tuple[str, int, int, str]], counts: list[tuple[int, str]], data: st.DataObject
) -> None:
    said = [statement(number, *word, absolute=data.draw(st.booleans())) for number, word in enumerate(words)]
    said += [count(20 + at, AT + at, location=place, event_id=f"count {at}") for at, place in counts]
    said.append(reserve("a", 12, location=data.draw(st.sampled_from(LOCATIONS))))
    one, other = Log(), Log()
    one.say(*said)
    other.say(*data.draw(st.permutations(said)))
    assert outcome(one) == outcome(other)


def outcome(log: Log) -> tuple[object, ...]:
    now, row = log.item().stock, log.reservation("a")
    return now.on_hand, now.gap, now.basis, now.shipments, row.shipments, shipped(row), sorted(row.adjusted_at.items())


def test_the_brute_force_finds_the_one_matching_that_pairs_all() -> None:
    assert 2 == most_pairs(["", "north"], ["south", ""])
    assert 0 == most_pairs(["north"], ["south"])
    assert shipped(Reservation(fulfilled=2, adjusted=3)) == 3


@given(WORDS, st.sampled_from(LOCATIONS), st.data())
def test_all_the_rest_is_what_no_adjustment_has_reported_whichever_comes_first(
    words: list[tuple[str, int, int, str]], location: str, data: st.DataObject
) -> None:
    said = [statement(number, "adjust", *word[1:]) for number, word in enumerate(words)]
    said += [reserve("a", 30, location=data.draw(st.sampled_from(LOCATIONS))), fulfil("a", location=location)]
    log = Log()
    log.say(count(100, BEFORE), *data.draw(st.permutations(said)))
    row = log.reservation("a")
    assert (70, 30, 0) == (log.item().stock.on_hand, shipped(row), allocated(row))
