"""The composition: the only module that knows every part.

`create_app` puts the parts together; `prepare` first makes sure that everything stands.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from yarl import URL

from atp_stream.access import KafkaAccess, RegistryAccess
from atp_stream.agents.clock import add_clock
from atp_stream.agents.conditions import add_conditions
from atp_stream.agents.fold_adapter import Ledger
from atp_stream.agents.letter_log import LetterLog
from atp_stream.agents.translation import Translator
from atp_stream.engine.app import EngineApp
from atp_stream.engine.commit_group import Answer
from atp_stream.engine.runs import add_reader
from atp_stream.engine.tables import StateTable
from atp_stream.messages.inbound import Inbound
from atp_stream.messages.outbound import Outbound
from atp_stream.messages.registry import SchemaCache
from atp_stream.provision import preflight
from atp_stream.provision.schemas import subjects
from atp_stream.settings import Settings, Wire
from atp_stream.topics import LOG_PARTITIONS, TOMBSTONE_RETENTION_MS, Topics
from atp_stream.web.admission import admitted
from atp_stream.web.problems import as_problems
from atp_stream.web.routes import add_web
from atp_stream.web.server import MAX_BODY_BYTES

OnStep = Callable[[int, int, Answer, float], None]

#: Heartbeats per session: one lost heartbeat must not end it.
_HEARTBEATS = 30


def create_app(settings: Settings, *, genesis: str, schemas: SchemaCache) -> EngineApp:
    """Return the Faust app of a worker, not started; `genesis` names the item log that it folds."""
    topics = Topics.of(settings)
    kafka = KafkaAccess.of(settings)
    canonical = URL(settings.web_url or f"{settings.web_scheme}://{settings.web_host}:{settings.web_port}")
    app = EngineApp(
        settings.app_id,
        broker_credentials=kafka.credentials(),
        broker=[URL(f"kafka://{address}") for address in settings.brokers],
        datadir=Path(settings.data_dir),
        topic_partitions=LOG_PARTITIONS,
        table_standby_replicas=settings.standbys,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / _HEARTBEATS,
        broker_request_timeout=max(30.0, settings.session_timeout),
        web_bind=settings.web_host,
        web_port=settings.web_port,
        web_host=settings.web_host,
        canonical_url=canonical,
        web_application_options={"middlewares": [as_problems, admitted], "client_max_size": MAX_BODY_BYTES},
    )
    translator = Translator(Inbound(schemas, settings.default_tenant or None), schemas, topics, genesis)
    app.install(
        log_topic=topics.item_log.name,
        log_retention_s=settings.item_log_retention / 1000,
        owners_topic=topics.owners.name,
        table=StateTable(app, name="state", partitions=LOG_PARTITIONS, tombstones_kept=TOMBSTONE_RETENTION_MS / 1000),
        fold=Ledger(Outbound(genesis, settings.wire, schemas.output_ids, topics.of_roles), topics),
        translate=translator,
        genesis=genesis,
        kafka=kafka,
    )
    add_reader(app, "ledger", topics.item_log.name)
    add_reader(app, "intake", *(topic.name for topic in topics.inputs))
    clock = add_clock(app, topics, genesis, kafka)
    add_conditions(app, topics)
    served = add_web(app, settings, topics, schemas, translator.counts, translator.unread, clock)
    app.steps.on_step = _each(served.metrics.step, served.events.note, served.watches.note, _logged(topics))
    return app


def _each(*each: OnStep) -> OnStep:
    """Call each of these for a step."""

    def report(partition: int, records: int, answer: Answer, seconds: float) -> None:
        for one in each:
            one(partition, records, answer, seconds)

    return report


def _logged(topics: Topics) -> OnStep:
    """Let the dead letters that were committed with a step be noted in the log."""
    letter_log = LetterLog()

    def note(_partition: int, _records: int, answer: Answer, _seconds: float) -> None:
        letter_log.note([output for output in answer.outputs if output.topic == topics.dead_letter.name])

    return note


def prepare(settings: Settings) -> EngineApp:
    """Return an app that may start.

    Raises:
        SettingError: a setting that only workers read is not as it must be.
        ProvisionError: it may not; the text is one line that says why and what to do.
        RegistryUnavailable: the schema registry does not answer.
    """
    settings.check_worker()
    preflight.check_versions()
    lock = preflight.claim_directory(settings.data_dir)
    port = preflight.check_port(settings.web_host, settings.web_port)
    settings = replace(settings, web_port=port)
    if settings.web_health_port is not None:
        preflight.check_port(settings.web_host, settings.web_health_port)
    topics = Topics.of(settings)
    schemas = SchemaCache(RegistryAccess.of(settings))
    genesis, warnings = asyncio.run(_look_around(settings, topics, schemas))
    preflight.check_directory(settings.data_dir, genesis, settings.app_id)
    app = create_app(settings, genesis=genesis, schemas=schemas)
    app.data_lock = lock  # held as long as the app is
    app.warnings = (*warnings, *settings.web_warnings())
    return app


async def _look_around(settings: Settings, topics: Topics, schemas: SchemaCache) -> tuple[str, list[str]]:
    warnings = await preflight.check_topics(settings, topics)
    warnings += await schemas.warm(subjects(topics), to_write=settings.wire is Wire.AVRO)
    return await preflight.read_genesis(settings), warnings


def __getattr__(name: str) -> EngineApp:
    """Make the app of this process when Faust's own command asks for it: `faust -A atp_stream.app worker`."""
    if name == "app":
        return _only_app()
    raise AttributeError(name)


@cache
def _only_app() -> EngineApp:
    return prepare(Settings.from_environment())
