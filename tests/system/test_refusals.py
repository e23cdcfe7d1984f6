"""A worker that cannot do its work refuses to start, in one line that says what to do."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from aiokafka.admin import NewTopic

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.settings import Settings, environment_of
from atp_stream.topics import Topics
from tests.system.site import Site

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def started(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Return what became of a worker that ends by itself."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("ATP_")}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**variables, **environment_of(settings)},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )


def refusal(settings: Settings) -> str:
    """Return what `atp worker` says when it refuses; the last line of a worker that started would be another."""
    done = started(settings, "-m", "atp_stream", "worker")
    assert 1 == done.returncode, done.stderr
    assert 1 == len(done.stderr.splitlines()), done.stderr
    return done.stderr.strip()


async def test_a_broker_that_is_not_there_is_reported_within_ten_seconds(settings: Settings) -> None:
    began = time.monotonic()

    said = refusal(replace(settings, brokers=("127.0.0.1:1",)))

    assert time.monotonic() - began < 15  # ten, and the start of Python on a busy machine
    assert "atp: no Kafka broker answers at 127.0.0.1:1: correct ATP_BROKER, or start one with `atp stack up`" == said


async def test_missing_topics_are_named(settings: Settings) -> None:
    said = refusal(settings)

    every = [topic.name for topic in Topics.of(settings).every]
    named = ", ".join(every[:3])
    assert f"atp: run `atp init`: topics are missing: {named} and {len(every) - 3} more" == said


async def test_a_wrong_partition_count_is_named(settings: Settings) -> None:
    log = Topics.of(settings).item_log
    async with provision.administration(KafkaAccess.of(settings)) as admin:
        await admin.create_topics([NewTopic(log.name, 4, 1)])
    await provision.initialise(settings)

    assert refusal(settings).startswith(f"atp: topic {log.name} has 4 partitions, but must have 6")


async def test_a_directory_of_another_log_is_refused(settings: Settings) -> None:
    await provision.initialise(settings)
    settings.data_dir.mkdir()
    (settings.data_dir / "genesis").write_text("0011223344556677")

    said = refusal(settings)

    assert said.startswith(f"atp: the data directory {settings.data_dir} belongs to item log 0011223344556677")


async def test_a_directory_in_use_is_refused(site: Site) -> None:
    worker = site.add_worker()
    await site.ready()

    said = refusal(replace(site.settings, data_dir=worker.data, web_port=0))

    assert f"atp: the data directory {worker.data} is in use by another worker" in said


async def test_a_registry_that_is_not_there_is_reported(settings: Settings) -> None:
    await provision.initialise(settings)

    said = refusal(replace(settings, registry_url="http://127.0.0.1:1/apis/ccompat/v7"))

    assert said.startswith("atp: no schema registry answers at http://127.0.0.1:1/apis/ccompat/v7")


#: A worker whose broker answers as long as it looks around, and no longer.
LOST = """
from dataclasses import replace
from atp_stream import app, worker
from atp_stream.settings import Settings, environment_of
create_app = app.create_app
app.create_app = lambda settings, **rest: create_app(replace(settings, brokers=("127.0.0.1:1",)), **rest)
worker.run(Settings.from_environment())
"""


async def test_a_broker_that_goes_away_while_a_worker_starts_is_reported_with_what_to_do(settings: Settings) -> None:
    await provision.initialise(settings)

    done = started(replace(settings, web_port=0), "-c", LOST)

    (said,) = [line for line in done.stderr.splitlines() if "giving up: " in line]
    assert (70, True) == (done.returncode, "start it again once the broker answers" in said), done.stderr
    assert "Traceback" not in done.stderr


async def test_a_port_in_use_is_reported(site: Site) -> None:
    worker = site.add_worker()
    await site.ready()

    said = refusal(replace(site.settings, data_dir=site.directory / "other", web_port=worker.port))

    assert said.startswith(f"atp: cannot listen on 127.0.0.1:{worker.port} ")
    assert said.endswith("set ATP_WEB_HOST and ATP_WEB_PORT")
