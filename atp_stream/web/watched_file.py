"""Files that operators replace while a worker runs: secrets are changed without a restart."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

from atp_stream.engine.repetitions import REPEAT_S, Repetitions

log = logging.getLogger(__name__)
Value = TypeVar("Value")

_LOOK_S: Final = 1.0  # a change is noticed so soon


class WatchedFile(Generic[Value]):
    """What a file says, read again when it changes; while it cannot be read, what it said last."""

    def __init__(
        self, path: Path, parse: Callable[[bytes], Value], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Read the file.

        Raises:
            OSError: it cannot be read.
            ValueError: it says nothing that can be used.
        """
        self._path = path
        self._parse = parse
        self._clock = clock
        self._seen = self._signature()
        self._value = parse(path.read_bytes())
        self._looked_at = clock()
        self._faults = Repetitions(REPEAT_S)

    def value(self) -> Value:
        """Return what it says now."""
        now = self._clock()
        if now - self._looked_at >= _LOOK_S:
            self._looked_at = now
            self._look(now)
        return self._value

    def _look(self, now: float) -> None:
        try:
            signature = self._signature()
            if signature == self._seen:
                return
            self._value = self._parse(self._path.read_bytes())
        except (OSError, ValueError) as error:
            if self._faults.passed_over(self._path, now) is not None:
                about = {"event": "file_unreadable", "path": str(self._path)}
                log.error("%s cannot be used, what it said before still holds: %s", self._path, error, extra=about)  # noqa: TRY400
            return
        self._seen = signature
        about = {"event": "file_read_again", "path": str(self._path)}
        log.info("%s has changed and was read again", self._path, extra=about)

    def _signature(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino
