"""Reads all topics during a run, so that the judges also have what retention and compaction remove meanwhile."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Coroutine
from concurrent.futures import wait
from typing import Any, Final, TypeVar

from atp_stream.access import KafkaAccess, RegistryAccess
from atp_stream.oracle import History, Record
from atp_stream.oracle.reading import Reader
from atp_stream.settings import Settings
from chaos import judge

_T = TypeVar("_T")
_PAUSE_S: Final = 1.0
_MAX_ROUND_S: Final = 20.0
"""The longest that a round of reading may take: after it, a row might have been compacted away unread."""


class Follower(threading.Thread):
    """Reads all topics as they grow, in a thread of its own; start it once they exist.

    `row_bytes` is the size of what the tables hold now, `written_bytes` that of all that was ever written to them.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="follower", daemon=True)
        self._settings = settings
        self._names = judge.names(settings)
        self._loop = asyncio.new_event_loop()
        self._reader: Reader | None = None
        self._lock = asyncio.Lock()
        self._ended = threading.Event()
        self._sizes: dict[bytes, int] = {}
        self.row_bytes = self.written_bytes = 0
        self.error: BaseException | None = None

    @property
    def rows(self) -> int:
        """How many rows the tables hold now."""
        return len(self._sizes)

    def run(self) -> None:
        """Read until `stop` is called."""
        try:
            self._loop.run_until_complete(self._follow())
        except BaseException as error:  # noqa: BLE001 - raised to whoever asks
            self.error = error

    def stop(self) -> None:
        """End the reading."""
        self._ended.set()
        self.join()

    def history(self) -> History:
        """Read up to where the topics end now, and return all that was ever read."""
        return self._done(self._history())

    def gone(self) -> Counter[str]:
        """Return by topic how many offsets its partitions have lost at their beginnings."""
        return self._done(self._gone())

    def _done(self, asked: Coroutine[Any, Any, _T]) -> _T:
        future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        while self.is_alive() and not future.done():
            wait([future], _PAUSE_S)
        if not future.done():
            raise RuntimeError("the follower has stopped reading") from self.error
        return future.result()

    async def _follow(self) -> None:
        async with Reader(KafkaAccess.of(self._settings), self._names) as self._reader:
            while not self._ended.is_set():
                began = time.monotonic()
                await self._read_on()
                if time.monotonic() - began > _MAX_ROUND_S:
                    raise TimeoutError(f"a round of the follower took {time.monotonic() - began:.0f} s")
                await asyncio.sleep(_PAUSE_S)

    async def _read_on(self) -> Reader:
        assert self._reader is not None
        async with self._lock:
            for record in await self._reader.read_on():
                if record.topic in self._names.tables:
                    self._count(record)
        return self._reader

    async def _gone(self) -> Counter[str]:
        found: Counter[str] = Counter()
        reader = await self._read_on()
        for part, start in (await reader.starts()).items():
            found[part.topic] += start
        return found

    def _count(self, row: Record) -> None:
        key, size = row.key or b"", len(row.key or b"") + len(row.value or b"")
        self.written_bytes += size
        self.row_bytes -= self._sizes.pop(key, 0)
        if row.value is not None:
            self._sizes[key] = size
            self.row_bytes += size

    async def _history(self) -> History:
        reader = await self._read_on()
        with RegistryAccess.of(self._settings).client() as registry:
            return await reader.history(registry)
