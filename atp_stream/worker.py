"""`atp worker`: make sure that everything stands, then run until told to stop."""

import asyncio
import logging
import sys
from dataclasses import replace
from typing import Any

import faust

from atp_stream import logs
from atp_stream.app import create_app
from atp_stream.engine.app import EXIT_GAVE_UP, EngineApp
from atp_stream.messages.registry import SchemaCache
from atp_stream.provision import preflight
from atp_stream.settings import Settings
from atp_stream.topics import Topics

log = logging.getLogger(__name__)


def prepare(settings: Settings) -> EngineApp:
    """Return an app that may start.

    Raises:
        ProvisionError: it may not; the text is one line that says why and what to do.
        RegistryUnavailable: the schema registry does not answer.
    """
    preflight.check_versions()
    lock = preflight.claim_directory(settings.data_dir)
    port = preflight.check_port(settings.web_host, settings.web_port)
    settings = replace(settings, web_port=port)
    topics = Topics.of(settings)
    schemas = SchemaCache(settings.registry_url)
    genesis = asyncio.run(_look_around(settings, topics, schemas))
    preflight.check_directory(settings.data_dir, genesis)
    app = create_app(settings, genesis=genesis, schemas=schemas)
    app.data_lock = lock  # held as long as the app is
    return app


async def _look_around(settings: Settings, topics: Topics, schemas: SchemaCache) -> str:
    await preflight.check_topics(settings, topics)
    await schemas.warm([topic.name for topic in topics.every])
    return await preflight.read_genesis(settings, topics)


class Worker(faust.Worker):
    """Faust's worker, less its banner and spinner."""

    def on_init_dependencies(self) -> Any:
        """Start the app alone."""
        self.spinner = None
        return super().on_init_dependencies()

    async def on_startup_finished(self) -> None:
        """Say where the views are."""
        log.info("worker started", extra={"url": str(self.app.conf.canonical_url)})


def run(settings: Settings) -> None:
    """Run a worker in this process until a signal ends it.

    Raises:
        ProvisionError, RegistryUnavailable: as `prepare`.
    """
    app = prepare(settings)
    logs.set_up(settings)
    worker = Worker(
        app,
        loglevel=settings.log_level.value.upper(),
        redirect_stdouts=False,
        logging_config=logs.logging_config(settings),
        stdout=sys.stderr,
        quiet=True,
    )
    try:
        worker.execute_from_commandline()
    finally:
        if app.gave_up is not None:
            raise SystemExit(EXIT_GAVE_UP)
