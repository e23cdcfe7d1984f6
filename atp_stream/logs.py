"""Log lines as events with fields: for people on a terminal, as JSON elsewhere; always on stderr."""

import logging
import logging.config
import sys
from typing import Any

import structlog

from atp_stream.settings import LogFormat, Settings

#: These say at INFO what is of no use to an operator, or at DEBUG what costs a tenth of the time.
_QUIET = {"aiokafka": "WARNING", "faust": "WARNING", "mode": "WARNING", "asyncio": "WARNING", "httpx": "WARNING"}


class ExpectedOfANewCluster(logging.Filter):
    """Drops what aiokafka calls an error when the first group of a cluster is formed; it tries again and succeeds."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to keep a line."""
        return "GroupCoordinatorNotAvailableError" not in record.getMessage()


def logging_config(settings: Settings) -> dict[str, Any]:
    """Return the configuration of the standard library's logging, ours and Faust's lines alike."""
    console = settings.log_format is LogFormat.CONSOLE or (
        settings.log_format is LogFormat.AUTO and sys.stderr.isatty()
    )
    level = settings.log_level.value.upper()
    renderer: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer()
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    errors: list[Any] = [] if console else [structlog.processors.format_exc_info]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "events": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *errors, renderer],
            }
        },
        "filters": {"expected": {"()": ExpectedOfANewCluster}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "events",
                "filters": ["expected"],
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {} if level == "DEBUG" else {name: {"level": quiet} for name, quiet in _QUIET.items()},
    }


def set_up(settings: Settings) -> None:
    """Log as the settings say, from now on."""
    logging.config.dictConfig(logging_config(settings))
