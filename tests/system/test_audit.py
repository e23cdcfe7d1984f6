"""`atp verify`, `atp snapshot` and `atp rehearse` on the real stack: one history, looked at in all ways."""

import asyncio
import json
import os
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from click.testing import CliRunner

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.cli import main
from atp_stream.demo.traffic import Traffic
from atp_stream.settings import environment_of
from tests.system.site import Site
from tests.system.test_faults import pour

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(240)]

# A gap that is reported after its grace would write again the row that a test has spoilt.
PLAIN = b"""{"drift_grace": 1000000, "tenants": {"*": {
    "channels": {"ECOM": {}, "STORE": {}, "B2B": {}, "MARKETPLACE": {}}}}}"""
BUFFERED = PLAIN.replace(b'"ECOM": {}', b'"ECOM": {"buffer": 3}')
NOTHING = b"""{"tenants": {"*": {
    "safety_stock": {"fixed": 1000000}, "channels": {"ECOM": {}, "STORE": {}, "B2B": {}, "MARKETPLACE": {}}}}}"""


async def atp(site: Site, *arguments: str) -> tuple[int, str, str]:
    def run() -> Any:
        return CliRunner().invoke(main, arguments, env={**environment_of(site.settings), "ATP_DEFAULT_TENANT": "acme"})

    done = await asyncio.to_thread(run)
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
async def busy(site: Site) -> Site:
    """A site with a worker that has handled some traffic, a change of policy in its middle."""
    await provision.apply_policy(site.settings, PLAIN)
    site.add_worker()
    await site.ready()
    await pour(site, Traffic(seed=3), seconds=2, rate=300)
    await provision.apply_policy(site.settings, BUFFERED)
    await pour(site, Traffic(seed=4), seconds=1, rate=300)
    return site


async def spoil(site: Site) -> None:
    """Change a row of the changelog behind the back of everybody."""
    rows = await site.read(site.topics.state_changelog.name)
    victim = next(row for row in rows if row.key == b"acme|sku-001|i")
    producer = AIOKafkaProducer(bootstrap_servers=site.settings.bootstrap)
    await producer.start()
    newest = [row for row in rows if row.key == victim.key][-1]
    value = newest.value.replace(b'"version":', b'"version":1')
    await producer.send_and_wait(victim.topic, value, key=victim.key, partition=victim.partition)
    await producer.stop()


async def test_a_running_system_is_verified_and_a_spoilt_row_is_found_and_repaired(busy: Site) -> None:
    verifying = asyncio.create_task(atp(busy, "verify", "--json"))
    seeds = count(50)
    while not verifying.done():
        await pour(busy, Traffic(seed=next(seeds)), seconds=1, rate=150)
    running = await verifying
    await busy.drained()
    quiet = await atp(busy, "verify")

    assert 0 == running[0], running
    verdicts = json.loads(running[1])["partitions"]
    assert list(range(6)) == [one["partition"] for one in verdicts]
    assert all(one["rows"] > 10 and one["events"] > 10 and one["after"] == -1 for one in verdicts)
    assert (0, "all is as the log says") == (quiet[0], quiet[1].splitlines()[-1])

    await spoil(busy)
    spoilt = await atp(busy, "verify")
    item = await atp(busy, "verify", "--item", "sku-001")
    other = await atp(busy, "verify", "--item", "sku-002")
    refused = await atp(busy, "verify", "--repair", "--yes")
    assert (1, "1 differences") == (spoilt[0], spoilt[1].splitlines()[-1])
    assert "row acme|sku-001|i is {" in spoilt[1]
    assert 1 == item[0]
    assert 0 == other[0]
    assert "acme|sku-002|i {" in other[1]
    assert (1, "atp: workers are running: stop all of them before a repair\n") == (refused[0], refused[2])

    busy.workers[0].stop()
    declined = await atp(busy, "verify", "--repair")
    repaired = await atp(busy, "verify", "--repair", "--yes")
    after = await atp(busy, "verify")
    assert 1 == declined[0]
    assert 0 == repaired[0], repaired
    assert "writing: row acme|sku-001|i is {" in repaired[2]
    assert 0 == after[0]

    busy.workers[0].start()  # its directory is older than the repair
    await busy.ready()
    await pour(busy, Traffic(seed=6), seconds=2, rate=150)
    await busy.drained()
    assert 0 == (await atp(busy, "verify"))[0]


async def test_events_that_the_log_does_not_explain_are_named(busy: Site) -> None:
    await busy.drained()
    committed = busy.topics.allocation_committed.name
    twice = (await busy.read(committed))[0]
    producer = AIOKafkaProducer(bootstrap_servers=busy.settings.bootstrap)
    await producer.start()
    await producer.send_and_wait(
        committed, twice.value, key=twice.key, partition=twice.partition, headers=[*twice.headers]
    )
    await producer.stop()

    code, out, _ = await atp(busy, "verify", "--json")

    findings = [line for one in json.loads(out)["partitions"] for line in one["told"]]
    assert 1 == code
    assert 1 == len(findings)
    assert "was published before" in findings[0]


async def test_a_snapshot_is_where_a_log_without_its_beginning_is_verified_from(busy: Site, tmp_path: Path) -> None:
    await busy.drained()
    file = tmp_path / "monday.atp"
    code, out, _ = await atp(busy, "snapshot", str(file), "--json")
    assert 0 == code
    assert list(range(6)) == [one["partition"] for one in json.loads(out)["partitions"]]
    assert ["monday.atp"] == [name for name in os.listdir(tmp_path) if name.startswith("monday")]  # noqa: PTH208 - glob would block
    await pour(busy, Traffic(seed=7), seconds=2, rate=150)
    await busy.drained()

    await remove_beginning(busy)
    alone = await atp(busy, "verify")
    from_snapshot = await atp(busy, "verify", "--snapshot", str(file), "--json")
    rehearsed = await atp(busy, "rehearse", "--policy", policy(tmp_path, BUFFERED))
    assert 1 == alone[0]
    assert "give a snapshot (`atp snapshot` makes one)" in alone[2]
    assert 1 == len(alone[2].splitlines())
    assert [] == [line for one in json.loads(from_snapshot[1])["partitions"] for line in one["told"]]
    assert 0 == from_snapshot[0]
    assert all(one["after"] > 0 for one in json.loads(from_snapshot[1])["partitions"])
    assert 1 == rehearsed[0]
    assert "give a snapshot" in rehearsed[2]
    assert 0 == (await atp(busy, "rehearse", "--policy", policy(tmp_path, BUFFERED), "--snapshot", str(file)))[0]


async def test_a_rehearsal_says_what_another_policy_would_have_done(busy: Site, tmp_path: Path) -> None:
    await busy.drained()
    before = await busy.ends([topic.name for topic in busy.topics.every])

    code, out, _ = await atp(busy, "rehearse", "--policy", policy(tmp_path, NOTHING), "--json")
    text = await atp(busy, "rehearse", "--policy", policy(tmp_path, NOTHING))
    later = await atp(busy, "rehearse", "--policy", policy(tmp_path, NOTHING), "--from", "2100-01-01T00:00Z", "--json")

    assert 0 == code
    channels = json.loads(out)["channels"]
    was = sum(channel["was"]["committed"]["events"] for channel in channels)
    assert len(await busy.read(busy.topics.allocation_committed.name)) == was
    assert len(await busy.read(busy.topics.allocation_released.name)) == sum(
        channel["was"]["released"]["events"] for channel in channels
    )
    assert 0 < was
    assert [0] * len(channels) == [channel["would"]["committed"]["events"] for channel in channels]
    assert "acme             ECOM             committed" in text[1]
    assert [] == json.loads(later[1])["channels"]
    assert before == await busy.ends([topic.name for topic in busy.topics.every])


def policy(directory: Path, document: bytes) -> str:
    file = directory / "policy.json"
    file.write_bytes(document)
    return str(file)


async def remove_beginning(site: Site) -> None:
    """Remove what retention would: the first records of each partition of the log."""
    log = site.topics.item_log
    async with provision.administration(KafkaAccess.of(site.settings)) as admin:
        await admin.delete_records(
            {TopicPartition(log.name, number): RecordsToDelete(before_offset=3) for number in range(log.partitions)}
        )
