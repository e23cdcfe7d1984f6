"""The last acts of a whole run, after the oracle's verdict: what a system stands on is taken away.

A source topic is deleted and created again under running workers; then Kafka is wiped under old data directories. What
was read is gone, so no oracle could judge the time before. What counts is that workers refuse with a reason, and go on
after a reset.
"""

import asyncio
import json
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.settings import Settings
from atp_stream.topics import LOG_PARTITIONS, Topic, Topics
from chaos.fleet import EXIT_GAVE_UP, Fleet, Worker

_PATIENCE_S: Final = 60.0
_ITEM: Final = "after-the-reset"


class Epilogue:
    """The last acts; each yields a sentence for everything that is wrong."""

    def __init__(self, settings: Settings, stack: Stack, fleet: Fleet) -> None:
        self._settings = settings
        self._stack = stack
        self._fleet = fleet

    def source_recreated(self) -> Iterator[str]:
        """Delete a source topic and create it again while workers run; they must stop, and go on after a reset."""
        topic = Topics.of(self._settings).adjusted
        workers = self._two()
        asyncio.run(_recreate(self._settings, topic))
        for worker in workers:  # what it finds at its next take-over is another topic
            worker.signal(signal.SIGTERM)
            worker.ended(_PATIENCE_S)
            worker.start()
        if not _within(_PATIENCE_S, lambda: all(not worker.running for worker in workers)):
            yield "workers went on with a source topic that was created again"
        for worker in workers:
            if worker.code != EXIT_GAVE_UP or f"atp source reset {topic.name}" not in worker.last_words():
                yield f"{worker.name} ended with {worker.code} and said: {worker.last_words()}"
        self._fleet.stop()
        asyncio.run(provision.reset_source(self._settings, topic.name))
        self._two()
        asyncio.run(_send(self._settings, topic, {"product_id": _ITEM, "adjusted_quantity": 7, "new_quantity": 7}))
        if not _within(_PATIENCE_S, lambda: self._on_hand() == 7):
            yield f"after the reset {_ITEM} has {self._on_hand()} on hand, not 7"
        self._fleet.stop()

    def kafka_wiped(self) -> Iterator[str]:
        """Wipe Kafka under old data directories; workers must refuse to start, with a reason."""
        every = range(len(self._stack.brokers))
        self._stack.kill_broker(*every)
        for broker in self._stack.brokers:
            shutil.rmtree(self._stack.directory / broker.name)
        self._stack.start_broker(*every)
        asyncio.run(provision.initialise(self._settings))
        worker = self._fleet.workers[0]
        worker.start()
        if not worker.ended(_PATIENCE_S):
            yield "a worker runs on the data directory of another item log"
        elif worker.code != 1 or "belongs to item log" not in worker.last_words():
            yield f"{worker.name} ended with {worker.code} and said: {worker.last_words()}"
        self._fleet.stop()

    def _two(self) -> list[Worker]:
        workers = self._fleet.workers[:2]
        for worker in workers:
            worker.start()
        self._fleet.wait_ready(LOG_PARTITIONS, _PATIENCE_S)
        return workers

    def _on_hand(self) -> float | None:
        status, body = self._fleet.workers[0].get(f"/atp/{self._settings.default_tenant}/{_ITEM}")
        return float(body["on_hand"]) if status == 200 else None


async def _recreate(settings: Settings, topic: Topic) -> None:
    async with provision.administration(KafkaAccess.of(settings)) as admin:
        await admin.delete_topics([topic.name])
        await asyncio.sleep(1)
        await admin.create_topics([NewTopic(topic.name, topic.partitions, settings.replication_factor)])
    await asyncio.sleep(1)


async def _send(settings: Settings, topic: Topic, said: dict[str, object]) -> None:
    producer = AIOKafkaProducer(**KafkaAccess.of(settings))
    await producer.start()
    try:
        await producer.send_and_wait(topic.name, json.dumps(said).encode())
    finally:
        await producer.stop()


def _within(seconds: float, done: Callable[[], bool]) -> bool:
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > seconds:
            return False
        time.sleep(0.2)
    return True
