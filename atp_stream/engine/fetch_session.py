"""Fetch sessions: each fetch of a consumer tells a broker only what has changed since the one before (KIP-227).

aiokafka names all partitions in every fetch, and is answered for all of them. A worker reads about a hundred: where
little comes in, naming them costs more than the records do.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from aiokafka.protocol.fetch import FetchRequest

from atp_stream.engine.pace import pace_s

#: A fetch costs this process and the broker a millisecond or two, however little it brings. One that brought so much
#: lets the next one begin at the longest pace.
FULL_FETCH_BYTES: Final = 4096
_CLOSING_EPOCH: Final = 0  # with it, a fetch names all, closes the session that it names, and opens another
_MAX_EPOCH: Final = 2**31 - 1
_FIRST_EPOCH: Final = 1

#: What a fetch asks of a partition: from which offset on, and how many bytes at most.
_Asked = tuple[int, int]


class SessionFetch(FetchRequest):  # type: ignore[misc] # aiokafka is untyped
    """A fetch in a session: `changed` partitions are named, `forgotten` ones are asked for no more."""

    def __init__(self, full: FetchRequest, session: int, epoch: int, changed: Any, forgotten: Any) -> None:
        super().__init__(
            full._max_wait_ms, full._min_bytes, full._max_bytes, full._isolation_level, changed, full._rack_id
        )
        self._session = session
        self._epoch = epoch
        self._forgotten = forgotten

    def build(self, request_struct_class: Any) -> Any:
        """Return the request as it is sent; brokers before 1.1 know no sessions."""
        built: Any = super().build(request_struct_class)
        if hasattr(built, "session_id"):
            built.session_id, built.session_epoch = self._session, self._epoch
            built.forgotten_topics_data = self._forgotten
        return built


class FetchSession:
    """What one broker knows of a consumer's fetches."""

    def __init__(self) -> None:
        self._id = 0
        self._epoch = _CLOSING_EPOCH
        self._known: Mapping[tuple[str, int], _Asked] = {}

    def next(self, full: FetchRequest) -> SessionFetch:
        """Return what to send in place of a fetch that names all partitions."""
        wanted = {
            (topic, number): (offset, size) for topic, partitions in full.topics for number, offset, size in partitions
        }
        known, self._known = self._known, wanted
        if self._epoch == _CLOSING_EPOCH:
            return SessionFetch(full, self._id, self._epoch, full.topics, [])
        changed: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for tp, asked in wanted.items():
            if known.get(tp) != asked:
                changed[tp[0]].append((tp[1], *asked))
        forgotten: dict[str, list[int]] = defaultdict(list)
        for topic, number in known.keys() - wanted.keys():
            forgotten[topic].append(number)
        return SessionFetch(full, self._id, self._epoch, list(changed.items()), list(forgotten.items()))

    def answered(self, response: Any) -> None:
        """Take note that the broker has answered; if it knows the session no more, the next fetch opens another."""
        if getattr(response, "error_code", 0) or not getattr(response, "session_id", 0):
            self._id = 0
            self.restart()
        else:
            self._id = response.session_id
            self._epoch = _FIRST_EPOCH if self._epoch == _MAX_EPOCH else self._epoch + 1

    def restart(self) -> None:
        """Let the next fetch name all partitions: nobody knows what has become of the one before."""
        self._epoch = _CLOSING_EPOCH


def fetch_in_sessions(consumer: Any, pace: Callable[[int, int], float] = pace_s) -> None:
    """Let the fetches of an aiokafka consumer go through sessions, those to one broker as far apart as `pace` says."""
    fetches: dict[Any, _Fetches] = {}
    send = consumer._client.send

    async def send_in_session(node: Any, request: Any, **options: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return await send(node, request, **options)
        if node not in fetches:
            fetches[node] = _Fetches(pace)
        return await fetches[node].send(
            partial(send, node, **options), request, consumer._subscription.subscription.assignment
        )

    consumer._client.send = send_in_session


class _Fetches:
    """The fetches to one broker: aiokafka sends one at a time."""

    def __init__(self, pace: Callable[[int, int], float]) -> None:
        self._pace = pace
        self._session = FetchSession()
        self._assignment: Any = None
        self._sent_at = 0.0
        self._size_bytes = 0  # of what the last one brought

    async def send(self, send: Callable[[Any], Awaitable[Any]], request: FetchRequest, assignment: Any) -> Any:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._sent_at + self._pace(self._size_bytes, FULL_FETCH_BYTES) - loop.time())
        self._sent_at = loop.time()
        if assignment is not self._assignment:  # its partitions know nothing yet, not even where their logs end
            self._assignment = assignment
            self._session.restart()
        try:
            response = await send(self._session.next(request))
        except BaseException:  # a cancellation, too: the broker may have answered what nobody read
            self._session.restart()
            raise
        self._session.answered(response)
        self._size_bytes = sum(len(one[-1] or b"") for _, partitions in response.topics for one in partitions)
        return response
