"""What tests of transactions need: a producer under an id, as a take-over makes it."""

import asyncio

from atp_stream.access import KafkaAccess
from atp_stream.engine.coordination import KafkaCoordinator
from atp_stream.engine.once_producer import OnceProducer


async def once_producer(bootstrap: str, name: str) -> OnceProducer:
    """Return a producer, not started, under a transactional id; whoever had it before is fenced."""
    async with KafkaCoordinator(KafkaAccess(bootstrap), "no-owners") as coordinator:
        while (identity := await coordinator.initialise(name)) is None:  # noqa: ASYNC110 - only asking tells it
            await asyncio.sleep(0.05)
        producer = coordinator.producer(name, identity)
    assert isinstance(producer, OnceProducer)
    return producer
