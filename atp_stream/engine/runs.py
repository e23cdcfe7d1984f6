"""A run: what one fetch brought of one partition, as one Faust event.

Faust spends some 90 µs on each event that it carries; a run spends it once for thousands of records.
A run speaks in fetch *positions*, not in offsets of records: transaction markers are counted, so runs of one
partition join without holes, and a hole always means that a run was lost.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple, Self

import faust
from aiokafka.structs import ConsumerRecord
from faust.events import Event
from faust.types import TP, AppT
from faust.types.tuples import Message

#: Starting, stopping and the like of the services that we derive from Faust's is said in Faust's name.
service_logger = logging.getLogger("faust.engine")


class Run(NamedTuple):
    """Records of one partition whose positions lie in [start, end); `epoch` is the take-over it was fetched after.

    To Faust it is a record that holds itself, and whose offset is the last position covered.
    """

    tp: TP
    start: int
    end: int
    records: list[ConsumerRecord]
    epoch: int = 0

    # What else Faust reads of a record.
    timestamp = timestamp_type = serialized_key_size = serialized_value_size = 0
    key = checksum = None
    headers = ()

    @property
    def topic(self) -> str:
        """The topic's name."""
        return self.tp.topic

    @property
    def partition(self) -> int:
        """The partition's number."""
        return self.tp.partition

    @property
    def offset(self) -> int:
        """The last position covered."""
        return self.end - 1

    @property
    def value(self) -> Self:
        """The run."""
        return self


class RunSchema(faust.Schema[Any, Any]):
    """Hands the run through: messages are decoded by those who know them."""

    def compile(self, app: AppT, **_: Any) -> Callable[..., Awaitable[Event]]:
        """Return the decoder of an event: no work at all."""

        async def decode(message: Message, *, propagate: bool = False) -> Event:
            return Event(app, None, message.value, None, message)

        return decode


def add_reader(app: Any, name: str, *topics: str) -> None:
    """Let all runs of these topics be submitted to an `EngineApp`; `name` is that of Faust's agent."""

    @app.agent(app.topic(*topics, schema=RunSchema()), name=name)  # type: ignore[untyped-decorator] # Faust has no types
    async def read(stream: Any) -> None:
        async for event in stream.noack().events():
            app.submit(event)
            for more in waiting(stream):
                app.submit(more)


def waiting(stream: Any) -> Iterator[Event]:
    """Yield the events that wait for the agent of a stream, which itself gives one in each turn of the loop.

    One fetch brings a run of every partition, and under load a turn takes tens of milliseconds.
    """
    queue = stream.channel.queue
    while not queue.empty():
        yield queue.get_nowait()
