"""Sums over all items of a tenant, and which items are at risk: counted in the background while somebody asks.

Nothing is kept up to date by the ledger, so that while nobody asks nothing is paid. Whoever asks is told how old the
answer is, and whether all items were counted. An item costs 15 to 50 µs; a survey takes a tenth of the time, so that a
million items are counted anew every few minutes, and a thousand every two seconds.
"""

import asyncio
import time
from collections.abc import Iterator
from heapq import nsmallest
from typing import Final, NamedTuple

from atp_stream.domain.row_keys import item_key
from atp_stream.domain.state.rows import Item
from atp_stream.engine.app import EngineApp
from atp_stream.web.item_walk import walk
from atp_stream.web.routing import read_row
from atp_stream.web.summaries import Found, Risk, gravity, risks

SLICE_S: Final = 0.002
"""So long it works at a stretch, in time of the processor: on a busy machine it does not rest for what others took."""
REST: Final = 9
"""So many times as long it rests after that."""
EVERY_S: Final = 2.0
"""A survey begins no sooner than that after the one before."""
FIRST_S: Final = 0.25
"""So long a first answer waits for the first survey to be complete."""
ASKED_S: Final = 15.0
"""A tenant that nobody has asked for since then is not surveyed any more."""
MAX_TENANTS: Final = 64
MAX_AT_RISK: Final = 10_000
"""So many items at risk are kept of each partition and risk; the sums count all of them."""


class AtRisk(NamedTuple):
    """An item at risk; these sort with the gravest first."""

    gravity: tuple[int, int]
    name: str


class Sums:
    """What was counted of a tenant in one partition, in hundredths."""

    __slots__ = ("at_risk", "counts", "items", "on_hand", "quantities", "reserved")

    def __init__(self) -> None:
        self.items = 0
        self.on_hand = 0
        self.reserved = 0
        self.counts = dict.fromkeys(Risk, 0)
        self.quantities = dict.fromkeys(Risk, 0)
        self.at_risk: dict[Risk, list[AtRisk]] = {risk: [] for risk in Risk}

    def add(self, name: str, row: Item) -> None:
        """Count an item."""
        self.items += 1
        self.on_hand += row.stock.on_hand
        self.reserved += sum(channel.reserved for channel in row.channels.values())
        for found in risks(row):
            self._note(name, found)

    def _note(self, name: str, found: Found) -> None:
        self.counts[found.risk] += 1
        self.quantities[found.risk] += abs(found.quantity)
        kept = self.at_risk[found.risk]
        kept.append(AtRisk(gravity(found), name))
        if len(kept) > 2 * MAX_AT_RISK:
            self.at_risk[found.risk] = nsmallest(MAX_AT_RISK, kept)


class OfPartition(NamedTuple):
    """The sums of a partition, whether all items are in them, and since when they were counted (Unix time)."""

    sums: Sums
    complete: bool
    since_s: float


class Survey:
    """The newest sums of a tenant: of a partition those of the last survey that was complete, else of the first one."""

    def __init__(self) -> None:
        self.asked_at = 0.0
        self.began_at = 0.0
        self.done = asyncio.Event()
        self.sums: dict[int, OfPartition] = {}


class Surveys:
    """The surveys of this worker's partitions, one after the other."""

    def __init__(self, app: EngineApp) -> None:
        self._app = app
        self._surveys: dict[str, Survey] = {}
        self._task: asyncio.Task[None] | None = None

    async def of(self, tenant: str) -> Survey:
        """Return what is known of a tenant; a first answer waits a moment for it to be complete."""
        survey = self._surveys.pop(tenant, None) or Survey()
        self._surveys[tenant] = survey
        if len(self._surveys) > MAX_TENANTS:
            del self._surveys[next(iter(self._surveys))]
        survey.asked_at = time.monotonic()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name="survey")
        try:
            async with asyncio.timeout(FIRST_S):
                await survey.done.wait()
        except TimeoutError:
            pass  # it says that it is not complete
        return survey

    def close(self) -> None:
        """Count nothing more."""
        if self._task is not None:
            self._task.cancel()

    async def _work(self) -> None:
        while True:
            now = time.monotonic()
            self._surveys = {name: one for name, one in self._surveys.items() if now - one.asked_at < ASKED_S}
            if not self._surveys:
                return
            for tenant, survey in list(self._surveys.items()):
                if now - survey.began_at >= EVERY_S:
                    await self._survey(tenant, survey)
            await asyncio.sleep(0.1)

    async def _survey(self, tenant: str, survey: Survey) -> None:
        survey.began_at = time.monotonic()
        owned = self._app.steps.owned()
        for gone in survey.sums.keys() - owned:
            del survey.sums[gone]
        for partition in sorted(owned):
            sums, since = Sums(), time.time()
            known = survey.sums.get(partition)
            if known is None or not known.complete:
                survey.sums[partition] = OfPartition(sums, complete=False, since_s=since)
            counting = self._count(tenant, partition, sums)
            while True:
                if partition not in self._app.steps.owned():
                    survey.sums.pop(partition, None)
                    break
                took = next(counting, None)
                if took is None:
                    survey.sums[partition] = OfPartition(sums, complete=True, since_s=since)
                    break
                await asyncio.sleep(REST * took)
        survey.done.set()

    def _count(self, tenant: str, partition: int, sums: Sums) -> Iterator[float]:
        """Count the items, and yield whenever it has taken long, after how many seconds."""
        began = time.thread_time()
        for place in walk(self._app, [partition], tenant):
            row: Item | None = read_row(self._app, partition, item_key(place.name))
            if row is not None:
                sums.add(place.name, row)
            took = time.thread_time() - began
            if took > SLICE_S:
                yield took
                began = time.thread_time()
