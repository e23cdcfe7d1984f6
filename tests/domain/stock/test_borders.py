"""Stock over the borders of generations: histories of many windows, on time, in doubt, homeless, and hostile."""

from collections.abc import Callable
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.commands import AdjustStock, AnyCommand, CountStock, Fulfil
from tests.domain.support.judge import MICROSECONDS, MINUTE, SECOND, Judge
from tests.domain.support.product import numbers
from tests.domain.support.sizes import seeds

HISTORIES = seeds(2_500, 15)
SEEDS = st.integers(0, 2**32)
COUNTED = ["north", "south", ""]
HOMELESS = ["nowhere", "elsewhere"]


class Story:
    """A history of an item over many windows: what is said next, and how late."""

    def __init__(self, r: Random, *, latest: int, stamps: int = 1, places: list[str] | None = None) -> None:
        self.r = r
        self.judge = Judge(window=MINUTE, skew=r.choice([0, 0, SECOND, 5 * SECOND]))
        self.latest, self.stamps = latest, stamps
        self.places = r.sample(COUNTED, r.randrange(1, 4)) if places is None else places
        self.said: list[AdjustStock | CountStock] = []
        self.shipped: list[Fulfil] = []
        self.number = 0

    def named(self) -> str:
        self.number += 1
        return f"m{self.number}"

    def stamp(self) -> int:
        late = self.r.choice([0, SECOND, self.r.randrange(self.latest + 1)])
        moment = (self.judge.log_time - late) * MICROSECONDS - self.r.randrange(MICROSECONDS)
        return moment // self.stamps * self.stamps

    def opens(self) -> None:
        """Count every place."""
        for place in self.places:
            self.judge.hears(CountStock(event_id=self.named(), at_us=self.stamp(), on_hand=9, location=place))

    def goes_on(self) -> None:
        """Let time pass, a little or much of a window."""
        self.judge.passes(self.judge.log_time + self.r.choice([0, 0, SECOND, 7 * SECOND, 25 * SECOND, 100 * SECOND]))

    def states(self) -> None:
        """Say a fact of a place, or one again."""
        place, r = self.r.choice(self.places), self.r
        if self.said and r.random() < 0.15:
            self.judge.hears(r.choice(self.said[-20:]))
            return
        at, name = self.stamp(), self.named()
        kind = r.choice(["count", "adjust", "adjust", "delta", "delta"])
        if kind == "count":
            fact: AdjustStock | CountStock = CountStock(
                event_id=name, at_us=at, on_hand=r.randrange(20), location=place
            )
        else:
            absolute = None if kind == "delta" else r.randrange(20)
            fact = AdjustStock(event_id=name, at_us=at, delta=r.randrange(-4, 5), absolute=absolute, location=place)
        self.said.append(fact)
        self.judge.hears(fact)

    def ships(self, places: list[str]) -> None:
        """Let units leave a place."""
        at, name, units, place = self.stamp(), self.named(), self.r.randrange(1, 9), self.r.choice(places)
        left = Fulfil(event_id=name, at_us=at, reservation=f"o{self.number}", quantity=units, location=place)
        self.shipped.append(left)
        self.judge.hears(left)

    def takes_back(self, earliest: int) -> None:
        """Tell a shipment by an adjustment as well, so that it is taken back; only one as old as `earliest`."""
        since = self.judge.log_time * MICROSECONDS - earliest * MICROSECONDS
        those = [one for one in self.shipped if one.at_us >= since and one.quantity is not None]
        if those:
            one = self.r.choice(those)
            adjusted: AnyCommand = AdjustStock(
                event_id=self.named(), at_us=self.stamp(), delta=-(one.quantity or 0), location=one.location,
                reservation=one.reservation,
            )  # fmt: skip
            self.judge.hears(adjusted)


def goes(story: Story, acts: list[Callable[[], None]], looks: Callable[[Judge], object], length: int = 40) -> None:
    for _ in range(length):
        story.goes_on()
        story.r.choice(acts)()
        looks(story.judge)


@HISTORIES
@given(SEEDS)
def test_what_comes_within_a_window_counts_exactly_over_any_number_of_borders(seed: int) -> None:
    story = Story(Random(seed), latest=MINUTE - 10 * SECOND)
    story.opens()
    goes(story, [story.states, story.states, lambda: story.ships(story.places)], Judge.agrees)


@HISTORIES
@given(SEEDS)
def test_in_doubt_over_what_is_forgotten_on_hand_is_short_by_what_is_in_doubt_at_most(seed: int) -> None:
    story = Story(Random(seed), latest=MINUTE - 10 * SECOND, stamps=10_000_000)
    goes(story, [story.states], Judge.agrees_but_in_doubt)


@HISTORIES
@given(SEEDS)
def test_of_homeless_shipments_on_hand_is_short_within_the_bound_of_their_border(seed: int) -> None:
    story = Story(Random(seed), latest=0)
    acts = [story.states, lambda: story.ships([*story.places, *HOMELESS, ""])]
    goes(story, acts, Judge.agrees_but_for_homeless)


@HISTORIES
@given(SEEDS)
def test_however_late_facts_shipments_and_what_is_taken_back_on_hand_is_never_above_the_model(seed: int) -> None:
    story = Story(Random(seed), latest=8 * MINUTE)
    acts = [story.states, lambda: story.ships([*COUNTED, *HOMELESS]), lambda: story.takes_back(12 * MINUTE)]
    goes(story, acts, never_above)


def never_above(judge: Judge) -> None:
    assert numbers(judge.log).on_hand <= judge.expected().on_hand
