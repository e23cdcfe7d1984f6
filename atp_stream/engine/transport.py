"""Faust's Kafka transport, with runs instead of records: how they reach the streams, and how they are acknowledged.

Why each override is there is measured: see docs/runtime.md#traps.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Final

from aiokafka.errors import ConsumerStoppedError
from faust.tables.recovery import RebalanceAgain
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from atp_stream.engine.consumer_thread import RunThread
from atp_stream.engine.host import Engine
from atp_stream.engine.runs import service_logger
from atp_stream.engine.source_place import Place

#: How long to wait for records of the partitions that may be read now. Those that may be read again meanwhile, as after
#: a take-over, wait for the next turn.
TURN_S: Final = 0.1


class RunConsumer(driver.Consumer):
    """Acknowledges runs: they come in order per partition, so the newest ack may be committed."""

    logger = service_logger
    app: Engine  # type: ignore[assignment] # an `EngineApp`

    def _new_consumer_thread(self) -> RunThread:
        return RunThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def last_heartbeat(self) -> float:
        """When the last heartbeat that the group accepted was sent, on the monotonic clock."""
        thread: Any = self._thread
        return float(thread.last_heartbeat)

    async def look_for_topics(self) -> None:
        """Ask the broker which topics there are, sooner than every five minutes."""
        thread: Any = self._thread
        await thread.look_for_topics()

    async def progress(self, topics: Sequence[str]) -> tuple[dict[TP, int], dict[TP, int]]:
        """Return where every partition of the topics ends, and up to where the group has committed to have read it."""
        thread: Any = self._thread
        found: tuple[dict[TP, int], dict[TP, int]] = await thread.progress(topics)
        return found

    async def places(self, without: Collection[TP]) -> dict[TP, Place]:
        """Return the committed places of all source partitions that the group knows, but for some."""
        thread: Any = self._thread
        found: dict[TP, Place] = await thread.places(without)
        return found

    async def source_ends(self) -> dict[TP, int]:
        """Return up to where all source partitions that the group knows can be read now."""
        thread: Any = self._thread
        found: dict[TP, int] = await thread.source_ends()
        return found

    async def commit_places(self, offsets: Mapping[TP, int]) -> bool:
        """Commit at once how far source partitions are; False if that failed."""
        return bool(await self._thread.commit(offsets))

    async def undecided(self, tps: Collection[TP]) -> dict[TP, int]:
        """Return the partitions with a transaction that is still open, and the offset at which it begins."""
        thread: Any = self._thread
        found: dict[TP, int] = await thread.call_thread(thread.undecided, tps)
        return found

    async def beat(self) -> bool:
        """Send a heartbeat now; return whether the group accepts it in our generation."""
        thread: Any = self._thread
        return bool(await thread.call_thread(thread.beat))

    async def rejoin(self) -> None:
        """Ask the group for an assignment, as if this worker had just come."""
        thread: Any = self._thread
        await thread.call_thread(thread.rejoin)

    async def _drain_messages(self, fetcher: Any) -> None:
        """Hand what is fetched to the streams, all of a fetch at once.

        Faust has four tasks made for each run, and waits for some turns of the loop: under load, they take long.
        """
        try:
            while not (self.should_stop or fetcher.should_stop):
                found = [one async for one in self.getmany(timeout=TURN_S)]
                await asyncio.sleep(0)
                if found:
                    await self.wait_first(self._hand_over(found), self.suspend_flow.wait())
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.transport.app.should_stop:
                raise

    async def _hand_over(self, found: Sequence[tuple[TP, Any]]) -> None:
        for tp, message in found:
            read = self._read_offset[tp]
            if read is None or message.offset >= read:
                await self.callback(message)
                self._read_offset[tp] = message.offset

    async def perform_seek(self) -> None:
        """Seek streams to where they go on, at the end of a recovery."""
        # Faust also calls this when a fetch ends in the middle of a rebalance, whose end will call it again.
        if not self.flow_active or self.app.in_recovery:
            return
        epoch = self.app.epoch
        try:
            await super().perform_seek()
        except RebalanceAgain:
            raise
        except Exception as error:  # noqa: BLE001 - Faust would stop recovering without a word
            if epoch == self.app.epoch:
                self.app.give_up(f"cannot find where to go on: {error!r}", error)
        # Faust does not look again whether a rebalance began meanwhile, and would start the flow in its middle.
        stopped: bool = self.app.gave_up is not None or not self.flow_active
        if stopped or epoch != self.app.epoch:
            raise RebalanceAgain
        self.app.moving = False

    async def verify_all_partitions_active(self) -> None:
        """Report nothing: Faust would.

        It waits for records and commits where a run was acknowledged and an idle partition has none, and writes
        hundreds of errors of healthy workers. A take-over that stands still ends the worker, lag is a metric.
        """

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Runs have no gaps between them; Faust's own count would commit over unread input."""

    def _new_offset(self, tp: TP) -> int | None:
        acked = self._acked[tp]
        if not acked:
            return None
        top: int = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return top + 1


class RunTransport(driver.Transport):
    """The transport of the app: set it right after the app is made, before its first agent."""

    Consumer: ClassVar[type] = RunConsumer
