"""The producers of a worker: how they are made and dropped, and the transactional ids that they commit under."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from mode import get_logger

from atp_stream.access import KafkaAccess
from atp_stream.engine.batches import BATCH_BYTES
from atp_stream.engine.once_producer import OnceProducer

log = get_logger(__name__)

#: A transaction that is open for longer is ended by the broker.
TRANSACTION_TIMEOUT_S: Final = 30.0
#: How long an answer may take: after that nobody waits for it. Less than a transaction may be open.
REQUEST_TIMEOUT_S: Final = 15.0
_STOP_S: Final = 5.0


class Identity(NamedTuple):
    """What the coordinator gives to whoever initialises a transactional id; whoever had it before is fenced."""

    producer_id: int
    epoch: int


def make_producer(kafka: KafkaAccess, **settings: Any) -> AIOKafkaProducer:
    """Return a producer, not started, that never leaves a hole: idempotent, acknowledged by all in-sync replicas."""
    return AIOKafkaProducer(**kafka, **_USUAL, **settings)


def make_once_producer(kafka: KafkaAccess, name: str, identity: Identity) -> OnceProducer:
    """Return a producer, not started, of a transactional id that was initialised; it sends nothing twice.

    It never initialises its id itself: once another worker has ended it, it must stay ended.
    """
    producer = OnceProducer(
        **kafka,
        transactional_id=name,
        transaction_timeout_ms=int(TRANSACTION_TIMEOUT_S * 1000),
        request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000),
        **_USUAL,
    )
    producer.identify(*identity)
    return producer


_USUAL: Final[dict[str, Any]] = {
    "enable_idempotence": True,
    "acks": "all",
    "max_batch_size": BATCH_BYTES,  # but for a first record, which is taken whatever its size
    "max_request_size": 16 << 20,
}


async def drop_producer(producer: AIOKafkaProducer) -> None:
    """Stop a producer, in order or by force; what it had under way is sent again by another, or does not matter."""
    try:
        async with asyncio.timeout(_STOP_S):  # wait_for() swallows a cancellation that comes as the producer stops
            await producer.stop()
    except Exception as error:  # noqa: BLE001 - whatever it is, this producer is given up
        log.info("producer did not stop in order: %r", error)
        # Else it would try for ever; what is under way ends with the connections.
        ends = asyncio.gather(producer._sender.close(), producer.client.close(), return_exceptions=True)
        await asyncio.wait([ends], timeout=_STOP_S)


class ProducerOnDemand:
    """A producer that connects when it is first needed, and anew after it was dropped."""

    def __init__(self, new_producer: Callable[[], AIOKafkaProducer]) -> None:
        self._new_producer = new_producer
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def started(self) -> AIOKafkaProducer:
        """Return the producer, started; as `AIOKafkaProducer.start` if it cannot be."""
        async with self._starting:
            if self._producer is None:
                producer = self._new_producer()
                try:
                    await producer.start()
                except BaseException:
                    await drop_producer(producer)
                    raise
                self._producer = producer
            return self._producer

    async def drop(self, only: AIOKafkaProducer | None = None) -> None:
        """Give the producer up; if `only` is told, no other that has taken its place meanwhile."""
        if self._producer is not None and only in {None, self._producer}:
            producer, self._producer = self._producer, None
            await drop_producer(producer)


def partition_id(app: str, genesis: str, partition: int) -> str:
    """Return the transactional id under which a log partition is taken over, and repaired; never stepped."""
    return f"{app}-{genesis}-{partition}"


def new_step_id(app: str, genesis: str) -> str:
    """Return a transactional id that no worker has had: the steps of one assignment commit under it."""
    return f"{app}-{genesis}-s-{secrets.token_hex(8)}"
