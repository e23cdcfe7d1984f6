"""What readers of the same events share: the events are sorted out, paced and encoded once for all of them.

A feed lets some events wait, of availability only the newest of a key, and hands over at most 50 a second. Of more the
oldest are lost, and its readers are told how many. A reader whose connection is slower than that loses the oldest, too.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import msgspec

from atp_stream.domain.names import encode, join
from atp_stream.messages.outbound import EVENTS, Role
from atp_stream.records import Output

MAX_WAITING: Final = 100
"""So many events wait in a feed; of more, the oldest are lost. A page shows no more than the newest sixty."""
MAX_UNSENT: Final = 500
"""So many events wait for a reader whose connection is slow; of more, the oldest are lost."""
PACE_S: Final = 0.5
AT_ONCE: Final = 25
"""So many events a feed hands over every `PACE_S`."""
BLOCK_END: Final = b"\n\n"
TYPES: Final = frozenset(EVENTS.values())
"""The events that may be read."""
_CONFLATED: Final = frozenset({EVENTS[Role.AVAILABILITY], EVENTS[Role.PROJECTED]})

Encode = Callable[[Output], Awaitable[bytes]]
"""Returns an event as it is sent."""


def block_of(data: Any, event: str = "") -> bytes:
    """Return a message of a stream."""
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + msgspec.json.encode(data) + BLOCK_END


class Wanted(NamedTuple):
    """The events of a tenant, of one item or ("") of all, of one type or ("") of all."""

    tenant: str
    item: str
    event: str


class Reader:
    """One stream: what waits to be sent on it."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self.lost = 0
        self.broken = False
        """Whether events of another worker were missed, nobody knows how many."""
        self.wake = asyncio.Event()

    def give(self, blocks: Sequence[bytes], lost: int) -> None:
        """Let events wait, and count those that were lost before them."""
        self._waiting.extend(blocks)
        self.lost += lost
        while len(self._waiting) > MAX_UNSENT:
            self._waiting.popleft()
            self.lost += 1
        self.wake.set()

    def receive(self, block: bytes) -> None:
        """Take what another worker has sent on its stream."""
        if block.startswith(b"event: lost"):
            lost = msgspec.json.decode(block.rpartition(b"data: ")[2])["lost"]
            self.broken |= lost is None
            self.give((), lost or 0)
        elif block.startswith(b"data: "):
            self.give((block + BLOCK_END,), 0)

    def take(self) -> bytes:
        """Return all that is to be sent, first of all what was lost."""
        said = block_of({"lost": None}, "lost") if self.broken else b""
        if self.lost:
            said += block_of({"lost": self.lost}, "lost")
        said += b"".join(self._waiting)
        self._waiting.clear()
        self.broken, self.lost = False, 0
        self.wake.clear()
        return said


class Feed:
    """Events that somebody wants, and who reads them."""

    def __init__(self, wanted: Wanted) -> None:
        self._types = frozenset({wanted.event}) if wanted.event else TYPES
        self._waiting: OrderedDict[object, Output] = OrderedDict()
        self._lost = 0
        self.readers: set[Reader] = set()

    @property
    def pending(self) -> bool:
        """Whether there is something to hand over."""
        return bool(self._waiting)

    def put(self, output: Output) -> None:
        """Let an event wait if its type is wanted; the newest of a key stands for those before it, and comes last."""
        event = output.event
        if event in self._types:
            if event in _CONFLATED:
                place: object = (event, output.key)
                self._waiting[place] = output
                self._waiting.move_to_end(place)  # else it would be dropped as if it were as old as the one before it
            else:
                self._waiting[id(output)] = output
            if len(self._waiting) > MAX_WAITING:
                self._waiting.popitem(last=False)
                self._lost += 1

    async def hand_over(self, encode: Encode) -> None:
        """Give the readers what has waited longest."""
        lost, self._lost = self._lost, 0
        taken = [self._waiting.popitem(last=False)[1] for _ in range(min(AT_ONCE, len(self._waiting)))]
        readers = list(self.readers)  # whoever joins meanwhile has missed nothing
        blocks = [await encode(output) for output in taken]
        for reader in readers:
            reader.give(blocks, lost)

    def join(self, reader: Reader) -> None:
        """Let somebody read, who has not lost what was lost before."""
        for one in self.readers:
            one.give((), self._lost)
        self._lost = 0
        self.readers.add(reader)


class Feeds:
    """The feeds that somebody reads; an event finds them by its tenant and its item, however many there are."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._feeds: dict[Wanted, Feed] = {}
        self._of_tenants: dict[bytes, list[Feed]] = {}
        self._of_items: dict[bytes, list[Feed]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def read(self, reader: Reader, wanted: Wanted) -> Iterator[None]:
        """Give a reader what he wants as long as the context lasts; a feed ends with the last of its readers."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name="feeds")
        feed = self._feeds.get(wanted)
        if feed is None:
            feed = self._feeds[wanted] = Feed(wanted)
            self._index()
        feed.join(reader)
        try:
            yield
        finally:
            feed.readers.remove(reader)
            if not feed.readers:
                del self._feeds[wanted]
                self._index()
            if not self._feeds:
                self._task.cancel()
                self._task = None

    def _index(self) -> None:
        self._of_tenants, self._of_items = {}, {}
        for wanted, feed in self._feeds.items():
            if wanted.item:
                self._of_items.setdefault(join(wanted.tenant, wanted.item).encode(), []).append(feed)
            else:
                self._of_tenants.setdefault(encode(wanted.tenant).encode(), []).append(feed)

    def put(self, outputs: Sequence[Output]) -> None:
        """Take what was published."""
        if not self._feeds:
            return
        of_tenants, of_items = self._of_tenants, self._of_items
        for output in outputs:
            if output.value is not None and output.key is not None:
                tenant, _, rest = output.key.partition(b"|")
                for feed in of_tenants.get(tenant, ()):
                    feed.put(output)
                if of_items:
                    item, _, _ = rest.partition(b"|")
                    for feed in of_items.get(b"%b|%b" % (tenant, item), ()):
                        feed.put(output)
        self._wake.set()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            for feed in list(self._feeds.values()):
                if feed.pending:
                    await feed.hand_over(self._encode)
            if not any(feed.pending for feed in self._feeds.values()):
                self._wake.clear()
            await asyncio.sleep(PACE_S)
