"""What each kind of event costs on an item that is full of dates: 1,000 open supplies, 366 points, 5,000 promises.

It measures the fold alone, over a real RocksDB, in one process, without Kafka. Nothing else runs within a step, so the
longest step is how long one event holds the others up.
"""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import msgspec

from atp_stream.domain.commands import (
    AdjustStock,
    AnyCommand,
    CancelSupply,
    Confirm,
    CountStock,
    ReceiveSupply,
    Release,
    Reserve,
    ScheduleSupply,
    SetPolicy,
    Tick,
)
from benchmarks.growth import DAY, LAMP, NOON, Partition, rows_in

SUPPLIES: Final = 1_000
PROMISES: Final = 5_000
HORIZON: Final = 366
_TODAY: Final = NOON // DAY
_DOCUMENT: Final = {
    "tenants": {"*": {"channels": {"ECOM": {}, "STORE": {}, "B2B": {}}, "supply": {"horizon": HORIZON}}}
}
_CHANNELS: Final = ("ECOM", "STORE", "B2B")
_UNITS: Final = 100 * PROMISES // SUPPLIES  # of each supply: together they cover all promises exactly


class Said(NamedTuple):
    """One event, when it is folded."""

    command: AnyCommand
    log_time: int = NOON


class Shop:
    """An item with dates, and the next events about it; each promise is for one unit."""

    def __init__(self, directory: Path) -> None:
        self.partition = Partition(directory, time.process_time)
        self.random = random.Random(20_261_128)
        self.number = 0

    def fill(self) -> None:
        """Let the item be full of dates."""
        document = msgspec.Raw(msgspec.json.encode(_DOCUMENT))
        self.partition.say([("|", NOON, SetPolicy(event_id="policy", at_us=NOON * 1_000, document=document))])
        self.partition.say((LAMP, NOON, self.supply(number, 1 + number % HORIZON)) for number in range(SUPPLIES))
        self.partition.say([(LAMP, NOON, CountStock(**self.stated(), on_hand=100 * PROMISES))])
        self.partition.say((LAMP, NOON, self.order(number, 1 + number % HORIZON)) for number in range(PROMISES))
        self.partition.say([(LAMP, NOON, CountStock(**self.stated(), on_hand=0))])

    def copied(self, directory: Path) -> "Shop":
        """Return an equal shop: filling one takes longer than measuring all events."""
        found = Shop(directory)
        found.number, found.partition.offset = self.number, self.partition.offset
        found.partition.write(rows_in(self.partition.rows))
        return found

    def stated(self) -> dict[str, Any]:
        """Return an event's name and stamp, each later than all before."""
        self.number += 1
        return {"event_id": f"e{self.number}", "at_us": NOON * 1_000 + self.number}

    def supply(self, number: int, ahead: int, quantity: int = _UNITS) -> ScheduleSupply:
        """State a supply."""
        return ScheduleSupply(**self.stated(), supply=f"po {number}", quantity=quantity, day=_TODAY + ahead)

    def order(self, number: int, ahead: int) -> Reserve:
        """Reserve one unit for a day."""
        return Reserve(
            **self.stated(), reservation=f"order {number}", quantity=100, channel=_CHANNELS[number % 3],
            wanted=_TODAY + ahead,
        )  # fmt: skip

    def any(self, many: int) -> int:
        """Return a number below `many`."""
        return self.random.randrange(many)


def stated(shop: Shop) -> Iterator[Said]:
    """State a supply, where another was cancelled before."""
    for number in range(SUPPLIES, SUPPLIES + 20):
        shop.partition.say([(LAMP, NOON, CancelSupply(**shop.stated(), supply=f"po {number - 1}"))])
        yield Said(shop.supply(number, 1 + shop.any(HORIZON)))


def slipped(shop: Shop) -> Iterator[Said]:
    """Let supplies come a month later."""
    for _ in range(20):
        number = shop.any(SUPPLIES - 1)
        yield Said(shop.supply(number, min(HORIZON, 31 + number % HORIZON)))


def all_slipped(shop: Shop) -> Iterator[Said]:
    """Let one supply that backs all promises come last of all."""
    for number in range(SUPPLIES):
        shop.partition.say([(LAMP, NOON, CancelSupply(**shop.stated(), supply=f"po {number}"))])
    shop.partition.say([(LAMP, NOON, shop.supply(SUPPLIES, 1, 100 * PROMISES))])
    yield Said(shop.supply(SUPPLIES, HORIZON, 100 * PROMISES))


def received(shop: Shop) -> Iterator[Said]:
    """Report that one unit of a supply has come, which is not in the stock yet."""
    for number in range(40):
        yield Said(ReceiveSupply(**shop.stated(), supply=f"po {number}", quantity=100))


def adjusted(shop: Shop) -> Iterator[Said]:
    """Adjust the stock by one unit of a supply."""
    for number in range(40):
        yield Said(AdjustStock(**shop.stated(), delta=100, supply=f"po {number}"))


def wanted(shop: Shop) -> Iterator[Said]:
    """Reserve one unit for a day."""
    for number in range(PROMISES, PROMISES + 40):
        yield Said(shop.order(number, 1 + shop.any(HORIZON)))


def confirmed(shop: Shop) -> Iterator[Said]:
    """Confirm a reservation that is promised."""
    for number in range(40):
        yield Said(Confirm(**shop.stated(), reservation=f"order {number * 7}"))


def released(shop: Shop) -> Iterator[Said]:
    """Release a reservation that is promised."""
    for number in range(40):
        yield Said(Release(**shop.stated(), reservation=f"order {number * 7}"))


def rolled(shop: Shop) -> Iterator[Said]:
    """Let a day come; what was expected the day before has not come."""
    for ahead in range(1, 6):
        yield Said(Tick(event_id="", at_us=(_TODAY + ahead) * DAY * 1_000), (_TODAY + ahead) * DAY + 1)


def after_an_outage(shop: Shop) -> Iterator[Said]:
    """Let all days come at once; nothing that was expected has come."""
    yield Said(Tick(event_id="", at_us=(_TODAY + HORIZON) * DAY * 1_000), (_TODAY + HORIZON) * DAY + 1)


EVENTS: Final[dict[str, Callable[[Shop], Iterator[Said]]]] = {
    "supply stated": stated,
    "supply a month later": slipped,
    "receipt without stock": received,
    "adjustment that names the supply": adjusted,
    "reservation for a day": wanted,
    "confirm": confirmed,
    "release": released,
    "a day comes, and its supplies did not": rolled,
    "all supplies a year later, as one": all_slipped,
    "a year comes, and no supply did": after_an_outage,
}


def measure(shop: Shop, event: str) -> dict[str, Any]:
    """Return what one kind of event costs, in CPU time; the shop is of no use afterwards."""
    partition = shop.partition
    costs, longest, reads, steps = [], [], [], []
    for said in EVENTS[event](shop):
        partition.longest, partition.steps, partition.reads = 0.0, 0, 0
        name = "|" if isinstance(said.command, Tick) else LAMP
        costs.append(partition.say([(name, said.log_time, said.command)]))
        reads.append(partition.reads)
        steps.append(partition.steps)
        longest.append(partition.longest)
    return {
        "ms": median(costs) * 1e3,
        "max_ms": max(costs) * 1e3,
        "longest_step_ms": max(longest) * 1e3,
        "steps": max(steps),
        "reads": int(median(reads)),
        "events": len(costs),
    }
