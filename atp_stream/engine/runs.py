"""A run: what one fetch brought of one partition, as one Faust event.

Faust spends some 90 µs on each event that it carries; a run spends it once for thousands of records.
A run speaks in fetch *positions*, not in offsets of records: transaction markers are counted, so runs of one
partition join without holes, and a hole always means that a run was lost.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple

import faust
from aiokafka.structs import ConsumerRecord
from faust.events import Event
from faust.types import TP, AppT
from faust.types.tuples import Message

#: Starting, stopping and the like of the services that we derive from Faust's is said in Faust's name.
service_logger = logging.getLogger("faust.engine")


class Run(NamedTuple):
    """Records of one partition whose positions lie in [start, end); `epoch` is the take-over it was fetched after."""

    tp: TP
    start: int
    end: int
    records: list[ConsumerRecord]
    epoch: int = 0


def wrap(run: Run) -> ConsumerRecord:
    """Return the run as the one record that Faust carries: its offset is the last position covered."""
    timestamp = run.records[-1].timestamp if run.records else 0
    return ConsumerRecord(*run.tp, run.end - 1, timestamp, 0, None, run, None, 0, 0, ())


class RunSchema(faust.Schema[Any, Any]):
    """Hands the run through: messages are decoded by those who know them."""

    def compile(self, app: AppT, **_: Any) -> Callable[..., Awaitable[Event]]:
        """Return the decoder of an event: no work at all."""

        async def decode(message: Message, *, propagate: bool = False) -> Event:
            return Event(app, None, message.value, None, message)

        return decode


def add_reader(app: Any, name: str, *topics: str) -> None:
    """Let all runs of these topics be submitted to an `EngineApp`; `name` is that of Faust's agent."""

    async def read(stream: Any) -> None:
        async for event in stream.noack().events():
            app.submit(event)
            for more in waiting(stream):
                app.submit(more)

    app.agent(app.topic(*topics, schema=RunSchema()), name=name)(read)


def waiting(stream: Any) -> Iterator[Event]:
    """Yield the events that wait for the agent of a stream, which itself gives one in each turn of the loop.

    One fetch brings a run of every partition, and under load a turn takes tens of milliseconds.
    """
    queue = stream.channel.queue
    while not queue.empty():
        yield queue.get_nowait()
