"""The Faust app with the engine in it: hooks that Faust calls, in the order in which they must run."""

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.types import TP
from mode import get_logger

from atp_stream.access import KafkaAccess
from atp_stream.access.trouble import denied
from atp_stream.engine.commit_group import Fold
from atp_stream.engine.coordination import KafkaCoordinator
from atp_stream.engine.group_assignment import GroupAssignment
from atp_stream.engine.intake import Intake, Translate
from atp_stream.engine.journal import Journal
from atp_stream.engine.open_transactions import until_decided
from atp_stream.engine.ownership import Assignment, AssignmentLost, MissingOwner
from atp_stream.engine.position import Mark
from atp_stream.engine.presence import Presence
from atp_stream.engine.producers import make_producer
from atp_stream.engine.runs import Run, service_logger
from atp_stream.engine.steps import Steps
from atp_stream.engine.tables import StateTable, StateTables
from atp_stream.engine.topic_identity import SourceCheck, newest_marks
from atp_stream.engine.transport import RunTransport

log = get_logger(__name__)

#: The exit code of a worker that gave up: its supervisor starts it again.
EXIT_GAVE_UP = 70
#: How long a worker that gave up may take to leave the group before it is ended.
LEAVE_TIMEOUT_S = 5.0
#: How long a rebalance or recovery may go on without any progress.
STANDSTILL_S = 60.0
#: How often a directory is noted to be up to date.
MARK_INTERVAL_S = 60.0
#: So often within so many seconds partitions are taken over anew; more often, and going on helps nobody.
MAX_ANEW = 5
ANEW_WINDOW_S = 60.0
TESTED_FAUST = "0.15.3"


def ended_by(error: BaseException) -> str:
    """Return why an error ends the process, and what to do."""
    if isinstance(error, KafkaError):
        return f"the broker was lost ({error!r}): start it again once the broker answers"
    return f"Faust cannot go on: {error!r}; start it again, and report it"


class EngineApp(faust.App):
    """A Faust app whose streams are runs and whose state changes in atomic steps."""

    logger = service_logger
    steps: Steps
    intake: Intake
    table: StateTable
    tables: Any
    consumer: Any  # ours: `RunConsumer`
    warnings: tuple[str, ...] = ()  # what was found before the start, for the log
    data_lock: Any = None  # the claim on the data directory, held as long as the app

    def __init__(self, app_id: str, **settings: Any) -> None:
        super().__init__(
            app_id,
            store="rocksdb://",
            TableManager=StateTables,
            topic_disable_leader=True,
            topic_allow_declare=False,
            stream_wait_empty=False,  # a fenced worker would wait for ever for acks that cannot come
            broker_max_poll_records=12_000,
            stream_buffer_maxsize=1_024,
            broker_commit_interval=0.5,  # time limits end by so much later: what is committed says what is read
            producer_request_timeout=30.0,
            web_tables_enabled=False,
            web_router_enabled=False,
            web_graph_enabled=False,
            web_stats_enabled=False,
            **settings,
        )
        self.transport = RunTransport(self.conf.broker_consumer, self)
        self.expected: dict[TP, int] = {}  # where each stream's next run has to start
        self.epoch = 0  # counts takings and losings of partitions
        self.journal = Journal()
        self.recovery_epoch = -1
        self.moving = True  # from the loss of partitions until streams are where the new ones go on
        self.gave_up: str | None = None
        self._fence_timer: asyncio.TimerHandle | None = None
        self._anew: deque[float] = deque(maxlen=MAX_ANEW)  # when partitions were taken over anew

    def install(
        self,
        *,
        log_topic: str,
        log_retention_s: float,
        owners_topic: str,
        table: StateTable,
        fold: Fold,
        translate: Translate,
        genesis: str,
        kafka: KafkaAccess,
    ) -> None:
        """Connect the engine; a negative `log_retention_s` is for ever."""
        self.tables.add(table)
        self.table = table
        self.steps = Steps(
            self,
            topic=log_topic,
            owners_topic=owners_topic,
            retention_s=log_retention_s,
            table=table,
            fold=fold,
            genesis=genesis,
            connect=partial(KafkaCoordinator, kafka, owners_topic),
        )
        self.intake = Intake(self, translate=translate, new_producer=partial(make_producer, kafka))
        self.log_topic = log_topic
        self.sources = SourceCheck(self, kafka=kafka, log_topic=log_topic)
        self.presence = Presence(self, str(kafka))
        self._kafka = kafka
        self.on_partitions_revoked.connect(self._on_revoked, weak=False)

    # -- called by the transport and the table manager -----------------------------------------

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        await self.let_go()

    async def let_go(self) -> None:
        """Stop all work on partitions: nothing runs until the next take-over."""
        self._move()
        self.journal.lost(self.steps.owned())
        self.table.mark_seen(self.steps.owned())
        await self.intake.close()
        await self.steps.close()

    def _move(self) -> None:
        self.epoch += 1
        self.moving = True

    async def take_over(self, assigned: set[TP]) -> bool:
        """Become the owner of the assigned log partitions; False if that failed, and another try follows."""
        self._move()
        assignment = GroupAssignment(self)
        if self._fence_timer is not None:
            self._fence_timer.cancel()
            self._fence_timer = None
        standbys = self.assignor.assigned_standbys()
        changelog = self.table.changelog_topic_name
        held = {tp.partition for tp in assigned if tp.topic == changelog}
        for partition in self.table.drop_outdated(held):
            log.warning("state of partition %s was left alone for too long: restoring it from the changelog", partition)
        for partition in self.table.open(held):
            log.error("the database of partition %s could not be opened: restoring it from the changelog", partition)
        owned = {tp.partition for tp in assigned if tp.topic == self.log_topic and tp not in standbys}
        self.journal.assigned(owned, held - owned)
        try:
            await self.steps.take_over(owned, assignment)
            await self._decided({TP(changelog, partition) for partition in owned}, assignment)
        except MissingOwner as error:
            self.give_up(f"{error}: run `atp init`, with no worker running")
        except AssignmentLost as error:
            self._retry_take_over(error)
        except KafkaError as error:
            if refused := denied(self._kafka, error):
                self.give_up(refused)
            self._retry_take_over(error, counts=True)
        else:
            return True
        self.steps.halt()
        return False

    def _retry_take_over(self, error: Exception, *, counts: bool = False) -> None:
        if not self.should_stop:
            self.take_over_anew(f"the take-over of partitions failed ({error!r})", counts=counts)

    async def _decided(self, changelogs: set[TP], assignment: Assignment) -> None:
        """Return when no transaction is open in changelogs; raises AssignmentLost if the group takes them away."""
        await until_decided(
            self.consumer, changelogs, assignment, give_up=self.give_up, patience_s=self._longest_rebalance
        )

    def start_positions(self) -> Mapping[TP, int]:
        """Return where log partitions are to be read from; nothing while their state is still being restored."""
        starts = self.steps.start_positions()
        self.table.mark_seen(self.steps.owned())
        return starts

    def known_marks(self) -> Mapping[TP, Mark]:
        """Return the newest record that the owned state includes of each source partition that is still read."""
        sources = {tp.topic for tp in self.consumer.assignment()} - {self.log_topic}
        newest = newest_marks(self.steps.marks())
        return {tp: mark for tp, mark in newest.items() if tp.topic in sources}

    # -- called by the agents ------------------------------------------------------------------

    def submit(self, event: Any) -> None:
        """Hand a run to the steps of its log partition, or to intake; one from before the last take-over is dropped.

        If it does not join on to the one before, a run was lost on its way through Faust, or the topic begins anew:
        going on would lose records, or take new ones for old.
        """
        run: Run = event.value
        if self.gave_up is not None or run.epoch != self.epoch:
            return
        expected = self.expected.get(run.tp, 0)
        if run.start != expected:
            found = f"expected position {expected}, got [{run.start}, {run.end})"
            self.give_up(f"a run of records was lost on its way: {run.tp.topic}/{run.tp.partition}: {found}")
            return
        self.expected[run.tp] = run.end
        (self.steps if run.tp.topic == self.log_topic else self.intake).submit(event, run)

    # -- the watch -----------------------------------------------------------------------------

    async def on_start(self) -> None:
        """Watch from the start: Faust's own tasks begin only when a first recovery has ended."""
        await super().on_start()
        self.add_future(self._watch())

    @property
    def has_lost_track(self) -> bool:
        """Whether rows may be behind what was published: a step failed, and nothing has been taken over since."""
        return self.gave_up is not None or self._fence_timer is not None

    @property
    def settled(self) -> bool:
        """Whether this worker holds its partitions, and their state is restored."""
        return bool(self.tables.actives_ready) and not (self.rebalancing or self.moving or self.in_recovery)

    async def _watch(self) -> None:
        """Give up when a take-over stands still: Faust's recovery can end without a word, and nothing would run."""
        patience = STANDSTILL_S + self._longest_rebalance
        seen: Any = None
        since = marked = time.monotonic()
        while True:
            await asyncio.sleep(1.0)
            self.presence.look()
            now = (self.epoch, self.consumer_generation_id, self.tables.recovery.active_remaining_total())
            if self.settled or now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > patience:
                self.give_up(f"taking over partitions has stood still for {patience:.0f} s")
            if self.settled and time.monotonic() - marked > MARK_INTERVAL_S:
                marked = time.monotonic()
                self.table.mark_seen(set(self.table.data._dbs) if self.tables.standbys_ready else self.steps.owned())

    @property
    def _longest_rebalance(self) -> float:
        """How long the group may wait for a member that does not answer."""
        return float(self.conf.broker_session_timeout) + float(self.conf.broker_rebalance_timeout)

    # -- the end -------------------------------------------------------------------------------

    def take_over_anew(self, reason: str, *, counts: bool = True) -> None:
        """Stop all steps, and ask the group for our partitions again: a take-over finds out what is true.

        Too often, and the worker ends; what the group decides does not count.
        """
        if self.has_lost_track:  # the other lanes fail with the first one
            return
        loop = asyncio.get_running_loop()
        if len(self._anew) == MAX_ANEW and loop.time() - self._anew[0] < ANEW_WINDOW_S:
            self.give_up(f"{reason}, {MAX_ANEW + 1} times within {ANEW_WINDOW_S:.0f} s")
            return
        if counts:
            self._anew.append(loop.time())
        log.warning("%s; taking over all partitions again", reason)
        self.steps.halt()
        patience = self._longest_rebalance
        self._fence_timer = loop.call_later(
            patience, self.give_up, f"{reason}, and no new assignment came within {patience:.0f} s"
        )
        asyncio.ensure_future(self.consumer.rejoin())  # noqa: RUF006

    def _crash(self, reason: BaseException) -> None:
        """Take note of what Faust ends for: that, too, has a line that says what to do."""
        self.give_up(ended_by(reason), None if isinstance(reason, KafkaError) else reason)
        super()._crash(reason)

    def give_up(self, reason: str, error: BaseException | None = None) -> None:
        """Leave: a start of this process finds out what is true, this one no longer can."""
        if self.gave_up is not None:
            return
        self.gave_up = reason
        log.critical("giving up: %s", reason, exc_info=error, extra={"event": "gave_up", "reason": reason})
        # Leaving the group hands over at once, but must never be what keeps a broken worker alive.
        timer = threading.Timer(LEAVE_TIMEOUT_S, os._exit, (EXIT_GAVE_UP,))
        timer.daemon = True
        timer.start()
        asyncio.ensure_future(self.crash(error or RuntimeError(reason)))  # noqa: RUF006
