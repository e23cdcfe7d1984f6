"""`atp worker`: check what it needs, then run until it is stopped."""

import ctypes
import gc
import logging
import resource
import sys
from contextlib import suppress
from typing import Any

import faust
from aiokafka.errors import KafkaError

from atp_stream import logs
from atp_stream.app import prepare
from atp_stream.engine.app import EXIT_GAVE_UP, ended_by
from atp_stream.settings import Settings

log = logging.getLogger(__name__)

_GC_THRESHOLDS = (400_000, 20, 50)
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h
_LARGE_BYTES = 128 << 10


class Worker(faust.Worker):
    """Faust's worker, less its banner and spinner."""

    app: Any

    def on_init_dependencies(self) -> Any:
        """Start the app alone."""
        self.spinner = None
        return super().on_init_dependencies()

    async def start(self) -> None:
        """Start; if Faust cannot, mostly because a broker has just gone, report that as any other end."""
        try:
            await super().start()
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.app.give_up(ended_by(error), None if isinstance(error, KafkaError) else error)

    async def _sentinel_task(self) -> None:
        """End the loop at once: all tasks have been waited for, and mode would wait a second more."""

    async def on_startup_finished(self) -> None:
        """Say where the views are."""
        url = str(self.app.conf.canonical_url)
        tables = str(self.app.conf.datadir)
        about = {"event": "worker_started", "url": url, "data_dir": tables}
        log.info("started; views are at %s, tables in %s", url, tables, extra=about)


def raise_open_files() -> None:
    """Let this process open as many files as it may: what it inherits is often 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS allows fewer than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def collect_rarely() -> None:
    """Let this process look for garbage seldom, and never among what it has by now.

    Records wait by the ten thousand, in no cycles: to look through them again and again costs a fifth.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def return_large_buffers() -> None:
    """Let the C library give large buffers back to the system as soon as they are free.

    glibc serves them from its heap once the first one has been freed; there, small pieces that stay pin the holes
    that large ones leave. Other C libraries have no such function, nor the need.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


def run(settings: Settings) -> None:
    """Run a worker in this process until a signal ends it.

    Raises:
        SettingError, ProvisionError, RegistryUnavailable: as `prepare`.
    """
    raise_open_files()
    return_large_buffers()
    app = prepare(settings)
    logs.set_up(settings)
    for warning in app.warnings:
        log.warning(warning)
    worker = Worker(
        app,
        loglevel=settings.log_level.value.upper(),
        redirect_stdouts=False,
        logging_config=logs.logging_config(settings),
        stdout=sys.stderr,
        quiet=True,
    )
    collect_rarely()
    try:
        worker.execute_from_commandline()
    finally:
        log.info("stopped", extra={"event": "worker_stopped"})
        if app.gave_up is not None:
            raise SystemExit(EXIT_GAVE_UP)
