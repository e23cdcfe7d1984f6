"""The producers of a worker: how they are made and dropped, and the transactional ids that they commit under."""

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from mode import get_logger

from atp_stream.access import KafkaAccess
from atp_stream.engine.batches import BATCH_BYTES
from atp_stream.engine.once_producer import OnceProducer

log = get_logger(__name__)

_FORCE_SECONDS: Final = 5.0


def make_producer(kafka: KafkaAccess, *, transactional_id: str | None = None, **settings: Any) -> AIOKafkaProducer:
    """Return a producer, not started, that never leaves a hole: idempotent, acknowledged by all in-sync replicas.

    With a transactional id it also sends nothing twice.
    """
    kind = AIOKafkaProducer if transactional_id is None else OnceProducer
    return kind(
        **kafka,
        transactional_id=transactional_id,
        enable_idempotence=True,
        acks="all",
        max_batch_size=BATCH_BYTES,  # but for a first record, which is taken whatever its size
        max_request_size=16 << 20,
        **settings,
    )


async def drop_producer(producer: AIOKafkaProducer) -> None:
    """Stop a producer, in order or by force; what it had under way is sent again by another, or does not matter."""
    try:
        await asyncio.wait_for(producer.stop(), timeout=5.0)
    except Exception as error:  # noqa: BLE001 - whatever it is, this producer is given up
        log.info("producer did not stop in order: %r", error)
        # Else it would try for ever; what is under way ends with the connections.
        ends = asyncio.gather(producer._sender.close(), producer.client.close(), return_exceptions=True)
        await asyncio.wait([ends], timeout=_FORCE_SECONDS)


def transactional_id(app: str, genesis: str, partition: int) -> str:
    """Return the name under which the owner of a log partition commits; whoever takes it over fences the one before."""
    return f"{app}-{genesis}-{partition}"
