"""What an operator reads in the log of a worker, in good times and bad, and how little it is while a broker is away."""

import asyncio
import re
import time
from collections.abc import Callable

import pytest

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.provision.topics import administration
from tests.system.site import Site, Worker

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def events(worker: Worker) -> list[str]:
    """Return the names of the lines that have one, in their order."""
    return re.findall(r"\bevent=([a-z_]+)", worker.said())


def alarms(worker: Worker) -> list[str]:
    """Return the lines above info, but those on dead letters."""
    return [
        line for line in worker.said().splitlines()
        if re.search(r"\[(warning|error|critical)", line) and "event=dead_letter" not in line
    ]  # fmt: skip


async def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Return once something holds."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        await asyncio.sleep(0.1)


async def test_the_log_of_a_worker_says_what_it_does_from_its_start_to_its_end(site: Site) -> None:
    first = site.add_worker()
    await site.ready()
    await site.send(site.topics.counted.name, {"itemId": "lamp", "onHand": 7})
    for _ in range(3):
        await site.send(site.topics.counted.name, b"poison")
    await site.drained()
    await until(lambda: "policy_in_force" in events(first))
    await site.send(site.topics.policy.name, {"action": "SET", "policy": {"retention": 60}})
    await until(lambda: 2 == events(first).count("policy_in_force"))
    second = site.add_worker()
    await site.ready()
    await until(lambda: "policy_in_force" in events(second))

    assert (0, 0) == (first.stop(), second.stop())
    names = [name for name in events(first) if name not in {"policy_in_force", "restoring", "worker_started"}]
    assert ["partitions_assigned", "serving", "dead_letter", "partitions_lost"] == names[:4]
    assert ["partitions_assigned", "serving"] == names[4:6]
    assert (1, "worker_stopped") == (events(first).count("worker_started"), names[-1])
    assert re.search(r"serving partitions: 0, 1, 2, 3, 4, 5; restored \d+ rows in \d+\.\d s", first.said())
    assert re.search(r"taking over partitions: [0-9, ]+; keeping copies of: ", second.said())
    assert [] == alarms(first) + alarms(second)


@pytest.mark.timeout(180)
async def test_a_broker_that_is_away_is_one_line_when_it_goes_one_when_it_is_back_and_few_between(
    alone: Stack, lonely: Site
) -> None:
    worker = lonely.add_worker()
    await lonely.ready()
    before = len(worker.said().splitlines())

    alone.kill_broker()
    await asyncio.sleep(25)
    alone.start_broker()  # not in a thread: what dies with its parent dies with the thread that started it
    await lonely.ready(60)
    await until(lambda: "broker_back" in events(worker))

    assert (1, 1) == (events(worker).count("broker_away"), events(worker).count("broker_back"))
    assert 40 > len(worker.said().splitlines()) - before  # it was 70 a second


async def test_an_input_topic_that_is_gone_is_reported_with_what_to_do_and_when_it_is_there_again(site: Site) -> None:
    worker = site.add_worker()
    await site.ready()
    topic = site.topics.released.name
    async with administration(KafkaAccess.of(site.settings)) as admin:
        await admin.delete_topics([topic])

    await until(lambda: "source_missing" in events(worker), 60)
    status, body = await worker.get("/health/ready")
    warning = f"the input topic {topic} does not exist: nothing is read from it, and no time limit ends; run `atp init`"
    assert (200, [warning]) == (status, body["warnings"])
    assert warning in worker.said()

    await provision.initialise(site.settings)
    await until(lambda: "source_back" in events(worker), 60)
    await site.ready()
    assert [] == (await worker.get("/health/ready"))[1]["warnings"]
