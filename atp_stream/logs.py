"""Log lines: for people on a terminal, as JSON elsewhere; always on stderr.

Each line has a `message`, a sentence for people. What a worker says of its own work also has an `event`, a stable name
to search and alert by, and its figures in fields of their own (docs/operating.md lists them).
"""

import logging
import logging.config
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import structlog

from atp_stream.engine.repetitions import MAX_KINDS, REPEAT_S, Repetitions
from atp_stream.settings import LogFormat, Settings
from atp_stream.visible import visible

#: These say at INFO what is of no use to an operator, or at DEBUG what costs a tenth of the time.
_QUIET = {"aiokafka": "WARNING", "faust": "WARNING", "mode": "WARNING", "asyncio": "WARNING", "httpx": "WARNING"}

#: Libraries call these warnings or errors, but they are part of a day's work, or our own lines say it better.
_EXPECTED = (
    "GroupCoordinatorNotAvailableError",  # the first group of a cluster is formed; the next try succeeds
    "because it is rebalancing",  # partitions move: `partitions_assigned` says where
    "Crashed reason=",  # Faust ends: `gave_up` has said why
    "We experienced a crash!",
)

_OF_MANY_LINES = {"exception", "stack"}
#: How many of our own lines of one kind are written in a second.
MAX_OWN_LINES = 10


class Expected(logging.Filter):
    """Drops lines that look like faults and are none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to keep a line."""
        message = record.getMessage()
        return not any(part in message for part in _EXPECTED)


class Limit(logging.Filter):
    """Lets each kind of line through a number of times, with `repeated`: how many were left out before it.

    Once a minute if a library says it: a broker that is away has aiokafka write 70 lines a second. Ten times a second
    if we do: our lines have words of their own, and what lasts is said once a minute where it is known to last.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._repetitions = Repetitions(REPEAT_S)
        self._own: dict[tuple[str, str], tuple[int, int]] = {}  # the second, and how many lines in it

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to keep a line."""
        if record.name.partition(".")[0] == "atp_stream":
            return self._keeps_own(record)
        if record.levelno < logging.WARNING:
            return True
        kind = record.name, record.levelno, re.sub("[0-9]+", "#", str(record.msg))[:80]
        passed_over = self._repetitions.passed_over(kind, self._clock())
        if passed_over:
            record.repeated = passed_over
        return passed_over is not None

    def _keeps_own(self, record: logging.LogRecord) -> bool:
        kind, now = (record.name, str(record.msg)[:80]), int(self._clock())
        second, count = self._own.get(kind, (now, 0))
        left_out = max(0, count - MAX_OWN_LINES) if second != now else 0
        count = 1 if second != now else count + 1
        self._own.pop(kind, None)
        self._own[kind] = (now, count)
        if len(self._own) > MAX_KINDS:
            del self._own[next(iter(self._own))]
        if left_out:
            record.repeated = left_out + getattr(record, "repeated", 0)
        return count <= MAX_OWN_LINES


def _name_message(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
    """Call the sentence `message`: `event` is the stable name that the line brings with it, if it has one."""
    line["message"] = line.pop("event")
    return line


def _show_all(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
    """Escape what could forge a line, or hide in it; JSON does so by itself."""
    return {
        name: visible(value) if isinstance(value, str) and name not in _OF_MANY_LINES else value
        for name, value in line.items()
    }


def _renderers(settings: Settings) -> list[Any]:
    """Return what makes text of a line: for people on a terminal, or JSON."""
    terminal = sys.stderr.isatty()
    if settings.log_format is LogFormat.CONSOLE or (settings.log_format is LogFormat.AUTO and terminal):
        plain = structlog.dev.plain_traceback  # a rich one prints the values of locals: other people's data
        return [
            _show_all,
            structlog.dev.ConsoleRenderer(colors=terminal, event_key="message", exception_formatter=plain),
        ]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def logging_config(settings: Settings) -> dict[str, Any]:
    """Return the configuration of the standard library's logging, ours and Faust's lines alike."""
    level = settings.log_level.value.upper()
    shared: list[Any] = [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_log_level,
        _name_message,
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.add_logger_name,
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(settings)],
            }
        },
        "filters": {"expected": {"()": Expected}, "limit": {"()": Limit}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "lines",
                "filters": ["expected", "limit"],
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {} if level == "DEBUG" else {name: {"level": quiet} for name, quiet in _QUIET.items()},
    }


def set_up(settings: Settings) -> None:
    """Log as the settings say, from now on."""
    logging.config.dictConfig(logging_config(settings))
