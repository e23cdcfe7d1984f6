"""Large streams: a true stock, all that is said of it, and the order in which partitions that lag deliver it."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from atp_stream.domain.commands import AdjustStock, AnyCommand, CountStock, Fulfil
from tests.domain.support.judge import MICROSECONDS
from tests.domain.support.log import NOON

PLACES = ("north", "south", "")


@dataclass
class Site:
    """Places whose true stock is known, and what is said of them."""

    r: Random
    places: Sequence[str] = PLACES
    held: Counter[str] = field(default_factory=Counter)
    said: int = 0
    orders: int = 0

    def speaks(self, at: int, weights: Sequence[int]) -> list[AnyCommand]:
        """Return what is said at a stamp: weights of the seed's form, bare deltas, counts and shipments."""
        place = self.r.choice(self.places)
        self.said += 1
        name = f"s{self.said}"
        units = self.r.choice([-3, -2, -1, -1, -1, -1, 1, 5])
        match self.r.choices(["seed", "bare", "count", "ship"], weights)[0]:
            case "seed":
                self.held[place] += units
                absolute = self.held[place]
                return [AdjustStock(event_id=name, at_us=at, delta=units, absolute=absolute, location=place)]
            case "bare":
                self.held[place] += units
                return [AdjustStock(event_id=name, at_us=at, delta=units, location=place)]
            case "count":
                return [CountStock(event_id=name, at_us=at, on_hand=self.held[place], location=place)]
            case _:
                return self.ships(at, place, abs(units), name)

    def ships(self, at: int, place: str, units: int, name: str) -> list[AnyCommand]:
        """Let units leave: by a fulfilment, which may state no place, or be reported as an adjustment as well."""
        self.held[place] -= units
        self.orders += 1
        order = f"o{self.orders}"
        stated = self.r.choice([place, place, "", "nowhere"])
        shipped = Fulfil(event_id=name, at_us=at, reservation=order, quantity=units, location=stated)
        if stated != place or self.r.random() < 0.6:
            return [shipped]
        absolute = self.r.choice([None, self.held[place]])
        adjusted = AdjustStock(
            event_id=f"{name}a", at_us=at, delta=-units, absolute=absolute, location=place, reservation=order
        )
        return [shipped, adjusted]


def spoken(
    r: Random, facts: int, *, step: int, stamps: int = 1, places: Sequence[str] = PLACES,
    weights: Sequence[int] = (70, 20, 3, 7),
) -> list[AnyCommand]:  # fmt: skip
    """Return what is said, in the order of time: `step` milliseconds apart, in stamps of so many microseconds."""
    site = Site(r, places)
    site.held.update(dict.fromkeys(places, 10_000))
    start = NOON * MICROSECONDS
    said: list[AnyCommand] = [
        CountStock(event_id=f"first {place}", at_us=(start // stamps - 1) * stamps, on_hand=10_000, location=place)
        for place in places
    ]
    moment = start
    while len(said) < facts:
        moment += round(r.expovariate(1) * step * MICROSECONDS)
        said += site.speaks(moment // stamps * stamps, weights)
    return said


def delivered(
    r: Random, said: Sequence[AnyCommand], *, lag: int = 300, partitions: int = 6, repeated: float = 0.2, late: int = 0
) -> list[AnyCommand]:
    """Return messages as a reader of partitions meets them: each in order, none more than `lag` behind the others.

    So many of them are sent again up to `lag` messages later, and every fifth count comes `late` messages later.
    """
    queues: list[deque[tuple[int, AnyCommand]]] = [deque() for _ in range(partitions)]
    for place, one in enumerate(said):
        queues[r.randrange(partitions)].append((place, one))
    arrived: list[tuple[float, AnyCommand]] = []
    favourite = 0
    while any(queues):
        oldest = min(queue[0][0] for queue in queues if queue)
        if r.random() < 0.02:
            favourite = r.randrange(partitions)
        ready = [queue for queue in queues if queue and queue[0][0] < oldest + lag]
        queue = queues[favourite] if queues[favourite] in ready else r.choice(ready)
        one = queue.popleft()[1]
        turn = len(arrived) + (late if isinstance(one, CountStock) and r.random() < 0.2 else 0)
        arrived.append((turn, one))
        if r.random() < repeated:
            arrived.append((turn + r.randrange(1, lag + 1) + 0.5, one))
    return [one for _, one in sorted(arrived, key=lambda pair: pair[0])]
