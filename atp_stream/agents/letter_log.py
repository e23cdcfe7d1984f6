"""The log's line about dead letters: the first of each reason, then one an hour."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from mode import get_logger

from atp_stream.engine.repetitions import Repetitions
from atp_stream.messages.dead_letters import DETAIL_HEADER, ORIGIN_HEADER, REASON_HEADER
from atp_stream.messages.traces import log_fields_of
from atp_stream.records import Output

log = get_logger(__name__)

_AGAIN_S: Final = 3_600.0


class LetterLog:
    """Writes so many lines about dead letters that a person notices, and no more."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._repetitions = Repetitions(_AGAIN_S)

    def note(self, letters: Sequence[Output]) -> None:
        """Take note of dead letters that were sent, or soon will be."""
        for letter in letters:
            said = dict(letter.headers)
            reason, origin, detail = (
                said.get(name, b"").decode() for name in (REASON_HEADER, ORIGIN_HEADER, DETAIL_HEADER)
            )
            passed_over = self._repetitions.passed_over(reason, self._clock())
            if passed_over is not None:
                self._write(reason, origin, detail, passed_over, log_fields_of(letter.headers))

    def _write(self, reason: str, origin: str, detail: str, passed_over: int, trace: dict[str, str]) -> None:
        log.warning(
            "the message at %s was refused and is a dead letter: %s (%s)%s; `atp dead-letters list` shows them",
            origin,
            detail,
            reason,
            f", as were {passed_over} since the last such line" if passed_over else "",
            extra={"event": "dead_letter", "reason": reason, "origin": origin, "repeated": passed_over, **trace},
        )
