"""What the group has given to this worker, and whether it still stands by it while a take-over goes on."""

import asyncio
from typing import Final, Protocol

from aiokafka.errors import KafkaError

from atp_stream.engine.host import Host
from atp_stream.engine.ownership import AssignmentLost

BEAT_INTERVAL_S: Final = 1.0
"""How often a worker that takes over asks the group whether it still counts it in."""

BEAT_TIMEOUT_S: Final = 2.0
"""How long it waits for the answer."""


class Member(Host, Protocol):
    """The app of a worker, as a member of its group."""

    consumer_generation_id: int

    @property
    def should_stop(self) -> bool:
        """Whether the worker is to end."""


class GroupAssignment:
    """What the group has given to a worker, as long as nothing says otherwise."""

    def __init__(self, app: Member) -> None:
        self._app = app
        self._epoch = app.epoch
        self._accepted_at = asyncio.get_running_loop().time()
        self.generation: int = app.consumer_generation_id

    async def hold(self) -> None:
        """Return while it may be true, and let the group know that we are there.

        aiokafka sends no heartbeats while partitions are being taken over.

        Raises:
            AssignmentLost: another one came, the group may have given us up, or this worker ends.
        """
        if self._app.should_stop or self._app.gave_up is not None:
            raise AssignmentLost("this worker ends")
        now = asyncio.get_running_loop().time()
        if self._app.epoch != self._epoch or now - self._accepted_at > self._app.conf.broker_session_timeout:
            raise AssignmentLost("the group may have given the partitions to another worker")
        if now - self._accepted_at > BEAT_INTERVAL_S:
            try:
                accepted = await self._beat()
            except (KafkaError, TimeoutError):  # it did not answer: a session is how long that may last
                return
            if not accepted:
                raise AssignmentLost("the group does not count this worker in any more")

    async def is_accepted(self) -> bool:
        """Ask the group whether it is true."""
        try:
            return await self._beat()
        except (KafkaError, TimeoutError):
            return False

    async def _beat(self) -> bool:
        sent_at = asyncio.get_running_loop().time()
        async with asyncio.timeout(BEAT_TIMEOUT_S):
            accepted = bool(await self._app.consumer.beat())
        if accepted:
            self._accepted_at = sent_at
        return accepted
