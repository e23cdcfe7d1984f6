"""Sums over all items of a tenant, and which items are at risk: counted in the background while somebody asks.

Nothing is kept up to date by the ledger, so that while nobody asks nothing is paid. Whoever asks is told how old the
answer is, and whether all items were counted. An item costs 15 to 50 µs; for pages a survey takes a tenth of the time
while it goes on, for metrics a fiftieth. The more work a survey was, the later it is repeated: a hundred items are
counted every two seconds, a thousand every ten, a million every few minutes.
"""

import asyncio
import time
from collections.abc import Iterator
from heapq import nsmallest
from typing import Final, NamedTuple

from atp_stream.domain.row_keys import item_key
from atp_stream.domain.state.rows import Item
from atp_stream.engine.app import EngineApp
from atp_stream.web.item_walk import walk, walk_tenants
from atp_stream.web.later import NOTHING_LATER, waiting_later
from atp_stream.web.routing import read_row, state_of
from atp_stream.web.summaries import Found, Risk, gravity, risks

SLICE_S: Final = 0.002
"""So long it works at a stretch, in time of the processor: on a busy machine it does not rest for what others took."""
LOOKED_AFTER: Final = 8
"""After so many items it looks at the clock, which costs much; after one with parts for later it looks at once."""
FIRST_S: Final = 0.25
"""So long a first answer waits for the first survey to be complete."""
REPEATED_AFTER: Final = 400
"""From one survey to the next passes so many times what the first one worked, but no more than `LONGEST_S` for that."""
LONGEST_S: Final = 15.0
MAX_TENANTS: Final = 64


class Pace(NamedTuple):
    """How much of a worker's time surveys take, and how long they go on."""

    rest: int
    """So many times as long as it has worked a survey rests."""
    every_s: float
    """A survey begins no sooner than that after the one before, and later if that one was much work."""
    asked_s: float
    """What nobody has asked for since then is not surveyed any more."""
    kept: int
    """So many items at risk are kept of each partition and risk, the gravest; the sums count all of them."""


OF_PAGES: Final = Pace(rest=9, every_s=2.0, asked_s=15.0, kept=400)
OF_METRICS: Final = Pace(rest=49, every_s=15.0, asked_s=300.0, kept=0)


class AtRisk(NamedTuple):
    """An item at risk; these sort with the gravest first."""

    gravity: tuple[int, int]
    name: str


class Sums:
    """What was counted of a tenant in one partition, in hundredths; `gravest` of (None) any risk, and of each."""

    __slots__ = ("_kept", "at_risk", "counts", "gravest", "items", "later", "on_hand", "quantities", "reserved")

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self.items = 0
        self.on_hand = 0
        self.reserved = 0
        self.later = 0
        self.at_risk = 0
        self.counts = dict.fromkeys(Risk, 0)
        self.quantities = dict.fromkeys(Risk, 0)
        self.gravest: dict[Risk | None, list[AtRisk]] = {risk: [] for risk in (None, *Risk)}

    def add(self, name: str, row: Item, later: int = 0) -> None:
        """Count an item, of which `later` units wait for a later day."""
        self.items += 1
        self.on_hand += row.stock.on_hand
        self.later += later
        self.reserved += sum(channel.reserved for channel in row.channels.values())
        for place, found in enumerate(risks(row)):
            if not place:
                self.at_risk += 1
                self._keep(None, name, found)
            self.counts[found.risk] += 1
            self.quantities[found.risk] += abs(found.quantity)
            self._keep(found.risk, name, found)

    def found(self, risk: Risk | None) -> int:
        """Return how many items have a risk, or (None) any."""
        return self.at_risk if risk is None else self.counts[risk]

    def _keep(self, risk: Risk | None, name: str, found: Found) -> None:
        if not self._kept:
            return
        kept = self.gravest[risk]
        kept.append(AtRisk(gravity(found), name))
        if len(kept) > 2 * self._kept:
            self.gravest[risk] = nsmallest(self._kept, kept)


class OfPartition(NamedTuple):
    """The sums of a partition, whether all items are in them, and since when they were counted (Unix time)."""

    sums: Sums
    complete: bool
    since_s: float


class Survey:
    """The newest sums of a tenant: of a partition those of the last survey that was complete, else of the first one."""

    def __init__(self) -> None:
        self.asked_at = 0.0
        self.due_at = 0.0
        self.done = asyncio.Event()
        self.sums: dict[int, OfPartition] = {}


class Surveys:
    """The surveys of this worker's partitions, one after the other."""

    def __init__(self, app: EngineApp, pace: Pace) -> None:
        self._app = app
        self._pace = pace
        self._surveys: dict[str, Survey] = {}
        self._task: asyncio.Task[None] | None = None

    async def of(self, tenant: str) -> Survey:
        """Return what is known of a tenant; a first answer waits a moment for it to be complete."""
        survey = self.ask(tenant)
        try:
            async with asyncio.timeout(FIRST_S):
                await survey.done.wait()
        except TimeoutError:
            pass  # it says that it is not complete
        return survey

    def ask(self, tenant: str) -> Survey:
        """Return what is known of a tenant, or ("") of all of them together, and let it be counted."""
        survey = self._surveys.pop(tenant, None) or Survey()
        self._surveys[tenant] = survey
        if len(self._surveys) > MAX_TENANTS:
            del self._surveys[next(iter(self._surveys))]
        survey.asked_at = time.monotonic()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name="survey")
        return survey

    async def _work(self) -> None:
        while True:
            now = time.monotonic()
            self._surveys = {
                name: one for name, one in self._surveys.items() if now - one.asked_at < self._pace.asked_s
            }
            if not self._surveys:
                return
            for tenant, survey in list(self._surveys.items()):
                if now >= survey.due_at:
                    await self._survey(tenant, survey)
            await asyncio.sleep(0.1)

    async def _survey(self, tenant: str, survey: Survey) -> None:
        began, worked = time.monotonic(), 0.0
        survey.due_at = began + self._pace.every_s  # also if it fails: others get their turn
        owned = self._app.steps.owned()
        for gone in survey.sums.keys() - owned:
            del survey.sums[gone]
        for partition in sorted(owned):
            sums, since = self.sums(), time.time()
            known = survey.sums.get(partition)
            if known is None or not known.complete:
                survey.sums[partition] = OfPartition(sums, complete=False, since_s=since)
            counting = self.count(tenant, partition, sums)
            while True:
                if partition not in self._app.steps.owned():
                    survey.sums.pop(partition, None)
                    break
                took = next(counting, None)
                if took is None:
                    survey.sums[partition] = OfPartition(sums, complete=True, since_s=since)
                    break
                worked += took
                await asyncio.sleep(self._pace.rest * took)
        survey.due_at = began + max(self._pace.every_s, min(REPEATED_AFTER * worked, LONGEST_S))
        survey.done.set()

    def sums(self) -> Sums:
        """Return sums in which nothing was counted yet."""
        return Sums(self._pace.kept)

    def count(self, tenant: str, partition: int, sums: Sums) -> Iterator[float]:
        """Count the items of a partition, and yield how many seconds it took: whenever that is long, and at the end."""
        began = time.thread_time()
        places = walk(self._app, [partition], tenant) if tenant else walk_tenants(self._app, partition)
        for number, place in enumerate(places, 1):
            row: Item | None = read_row(self._app, partition, item_key(place.name))
            later = NOTHING_LATER
            if row is not None:
                if row.dated:
                    later = waiting_later(state_of(self._app, partition), place.name, row)
                sums.add(place.name, row, sum(later.values()))
            if later or not number % LOOKED_AFTER:
                took = time.thread_time() - began
                if took > SLICE_S:
                    yield took
                    began = time.thread_time()
        yield time.thread_time() - began  # many small partitions are no small matter
