"""The events of a shop, the same for us and for every peer.

Pure: a workload, a count and a seed give the same events. Half of them move stock, the others reserve, release and
fulfil. An item's first event brings its first stock, which is less than what is asked for later: some orders must wait.
"""

import random
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, NamedTuple

CHANNELS: Final = ("ECOM", "STORE", "B2B", "MARKETPLACE")
SEED: Final = 20_261_124
_CHUNK: Final = 10_000  # how many items are drawn at once
_ADJUST, _RESERVE, _RELEASE = 0.5, 0.8, 0.9  # where each kind ends between 0 and 1; the rest fulfils
_FIRST_STOCK: Final = 8


class Workload(NamedTuple):
    """How events fall on items: `skew` is Zipf's exponent, 0 for uniform."""

    name: str
    items: int
    skew: float


WORKLOADS: Final = {
    "zipf": Workload("Zipf 1.1 over 20,000 items", 20_000, 1.1),
    "uniform": Workload("uniform over 200,000 items", 200_000, 0.0),
}


class Happening(NamedTuple):
    """One event; `number` counts from 0, `level` is the stock after it as the warehouse sees it."""

    kind: str
    number: int
    item: str
    quantity: int
    level: int = 0
    reservation: str = ""
    channel: str = ""


class _Shop:
    """What has been sent so far, as upstream knows it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.levels: dict[str, int] = {}
        self.open: list[Happening] = []

    def next(self, number: int, item: str) -> Happening:
        luck = self.random.random()
        if item not in self.levels or luck < _ADJUST:
            return self._adjust(number, item)
        if luck < _RESERVE or not self.open:
            return self._reserve(number, item)
        return self._end("released" if luck < _RELEASE else "fulfilled", number)

    def _adjust(self, number: int, item: str) -> Happening:
        level = self.levels.get(item)
        delta = _FIRST_STOCK if level is None else max(-level, self.random.randint(-2, 4))
        self.levels[item] = (level or 0) + delta
        return Happening("adjusted", number, item, delta, self.levels[item])

    def _reserve(self, number: int, item: str) -> Happening:
        channel, units = self.random.choice(CHANNELS), self.random.randint(1, 3)
        made = Happening("created", number, item, units, self.levels[item], f"order-{number:08d}", channel)
        self.open.append(made)
        return made

    def _end(self, kind: str, number: int) -> Happening:
        place = self.random.randrange(len(self.open))
        self.open[place], self.open[-1] = self.open[-1], self.open[place]
        made = self.open.pop()
        if kind == "fulfilled":
            self.levels[made.item] = max(0, self.levels[made.item] - made.quantity)
        return made._replace(kind=kind, number=number, level=self.levels[made.item])


def happenings(workload: Workload, count: int, seed: int = SEED) -> Iterator[Happening]:
    """Yield the first `count` events of a workload."""
    shop = _Shop(seed)
    items = [f"item-{number:06d}" for number in range(workload.items)]
    shop.random.shuffle(items)
    weights = list(accumulate(rank**-workload.skew for rank in range(1, workload.items + 1)))
    for start in range(0, count, _CHUNK):
        drawn = shop.random.choices(items, cum_weights=weights, k=_CHUNK)
        for place, item in enumerate(drawn[: count - start]):
            yield shop.next(start + place, item)
