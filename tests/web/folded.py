"""A worker's web server over rows that were folded in memory: it owns all partitions, and needs no Kafka."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from atp_stream.domain.commands import AnyCommand
from atp_stream.domain.events import CommandRefused
from atp_stream.domain.names import join
from atp_stream.engine.app import EngineApp
from atp_stream.engine.commit_group import Answer
from atp_stream.engine.partition_state import Lane, PartitionStore
from atp_stream.engine.partitioner import partition_of
from atp_stream.engine.position import Position
from atp_stream.messages.outbound import Outbound
from atp_stream.settings import Settings, Wire
from atp_stream.topics import LOG_PARTITIONS, Topics
from tests.domain.support.log import NOON, Log
from tests.web.conftest import made


class FoldedWorker:
    """Such a worker; what is said to it is folded, committed and published at once."""

    def __init__(self, directory: Path, **chosen: Any) -> None:
        self.app: EngineApp = made(directory, **chosen)
        self._logs = [Log() for _ in range(LOG_PARTITIONS)]
        self._outbound = Outbound("0011223344556677", Wire.JSON, {}, Topics.of(Settings()).of_roles)
        self.own(range(LOG_PARTITIONS))
        self.url = f"http://127.0.0.1:{self.app.conf.web_port}"
        server: Any = self.app.web
        server.init_server()

    async def start(self) -> None:
        """Let it listen; after a stop once more."""
        server: Any = self.app.web
        await server.start_server()

    async def stop(self) -> None:
        """Let it end as a worker does."""
        server: Any = self.app.web
        await server._runner.cleanup()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Let it listen for as long as the block."""
        await self.start()
        yield
        await self.stop()

    def own(self, partitions: Any) -> None:
        """Let it own these partitions, as after a take-over."""
        app: Any = self.app
        lanes = [Lane(number, PartitionStore(app.table, number)) for number in partitions]
        for lane in lanes:
            lane.position = Position(genesis="0011223344556677", applied=len(self._logs[lane.partition].entries) - 1)
        app.steps._group = SimpleNamespace(lanes={lane.partition: lane for lane in lanes})
        app.steps._open = True
        app.moving = False
        app.rebalancing = False
        app.tables.actives_ready = True
        cluster = SimpleNamespace(partitions_for_topic=lambda _: {0})
        inner = SimpleNamespace(
            _client=SimpleNamespace(cluster=cluster), _subscription=SimpleNamespace(subscription=None)
        )
        thread = SimpleNamespace(_consumer=inner)
        app._consumer = SimpleNamespace(last_heartbeat=time.monotonic() + 1e6, _thread=thread, assignment=set)
        app.table.open(partitions)

    def say(self, item: str, *commands: AnyCommand, tenant: str = "acme", log_time: int = NOON) -> None:
        """Fold commands for an item."""
        name = join(tenant, item)
        self._fold(partition_of(name.encode(), LOG_PARTITIONS), *commands, name=name, log_time=log_time)

    def change_policy(self, command: AnyCommand, log_time: int = NOON) -> None:
        """Fold a command for all items, such as a policy."""
        for partition in range(LOG_PARTITIONS):
            self._fold(partition, command, name="|", log_time=log_time)

    def _fold(self, partition: int, *commands: AnyCommand, name: str, log_time: int) -> None:
        log, app = self._logs[partition], self.app
        before = dict(log.rows)
        events = log.say(*commands, name=name, log_time=log_time)
        changed = {key: row for key, row in log.rows.items() if before.get(key) != row}
        gone = before.keys() - log.rows.keys()
        rows = [(key.encode(), row) for key, row in changed.items()] + [(key.encode(), None) for key in gone]
        app.table.apply(partition, rows, len(log.entries))
        outputs = [self._outbound.encode(event, partition) for event in events if not isinstance(event, CommandRefused)]
        app.steps.on_step(partition, len(commands), Answer(len(commands), {}, outputs, unfinished=False), 0.001)
