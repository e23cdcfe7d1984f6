"""`atp init` against the real broker."""

import asyncio
import json
import time
import urllib.request
from dataclasses import replace

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from atp_stream.access import RegistryAccess
from atp_stream.devstack.ports import free_port
from atp_stream.domain.commands import SetPolicy
from atp_stream.domain.policy import rules
from atp_stream.messages.registry import RegistryUnavailable, register
from atp_stream.provision import ProvisionError, Verdict, apply_policy, initialise
from atp_stream.settings import Settings
from atp_stream.topics import LOG_PARTITIONS, Topics

PARTITIONS = range(LOG_PARTITIONS)


async def log_records(settings):
    """Return the committed records of each partition of the item log."""
    partitions = [TopicPartition(Topics.of(settings).item_log.name, number) for number in PARTITIONS]
    records: dict[TopicPartition, list[ConsumerRecord]] = {partition: [] for partition in partitions}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, isolation_level="read_committed", fetch_max_wait_ms=50
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                for fetched in (await consumer.getmany(partition, timeout_ms=100)).values():
                    records[partition] += fetched
    finally:
        await consumer.stop()
    return [records[partition] for partition in partitions]


async def create(settings, name, partitions, **config):
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    try:
        topic_configs = {key.replace("_", "."): value for key, value in config.items()}
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=topic_configs)])
    finally:
        await admin.close()


def requested(settings, path):
    with urllib.request.urlopen(settings.registry_url + path, timeout=5) as answer:
        return json.load(answer)


def differing(report):
    return {(f.kind, f.name): f.detail for f in report.findings if f.verdict is Verdict.DIFFERS}


def verdicts(report):
    return {f.verdict for f in report.findings}


async def test_a_first_run_creates_everything(settings):
    report = await initialise(settings)

    assert {Verdict.CREATED} == verdicts(report)


async def test_a_second_run_finds_everything_and_changes_nothing(settings):
    await initialise(settings)
    before = await log_records(settings)

    report = await initialise(settings)

    assert {Verdict.PRESENT} == verdicts(report)
    assert before == await log_records(settings)


async def test_topics_have_the_partitions_that_they_are_declared_with(settings):
    await initialise(settings)

    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    described = await admin.describe_topics()
    await admin.close()

    found = {topic["topic"]: len(topic["partitions"]) for topic in described}
    assert {t.name: t.partitions for t in Topics.of(settings).every} == {
        t.name: found[t.name] for t in Topics.of(settings).every
    }


async def test_every_log_partition_starts_with_the_same_genesis_and_the_default_policy(settings):
    await initialise(settings)

    records = await log_records(settings)

    genesis = msgspec.json.decode(records[0][0].value)["genesis"]
    mark = ("atp-genesis", genesis.encode())
    for first, second in records:
        assert (b"|", {"format": 1, "genesis": genesis}) == (first.key, msgspec.json.decode(first.value))
        assert (("atp-control", b"genesis"), mark) == first.headers
        command = msgspec.json.decode(second.value, type=SetPolicy)
        assert (b"|", (mark,)) == (second.key, second.headers)
        assert rules.INITIAL.document == rules.parse(bytes(command.document)).document


async def test_two_logs_have_different_genesis(settings):
    other = replace(settings, topic_prefix=settings.topic_prefix + "other.", app_id=settings.app_id + "-other")
    await initialise(settings)
    await initialise(other)

    ours, theirs = (await log_records(settings))[0][0], (await log_records(other))[0][0]

    assert ours.value != theirs.value


async def test_runs_at_the_same_time_write_one_genesis(settings):
    done = await asyncio.gather(*(initialise(settings) for _ in range(3)), return_exceptions=True)

    refused = [outcome for outcome in done if isinstance(outcome, BaseException)]
    assert [] == [outcome for outcome in refused if not isinstance(outcome, ProvisionError)]
    assert len(refused) < len(done)
    assert [2] * LOG_PARTITIONS == [len(partition) for partition in await log_records(settings)]


async def test_a_run_that_died_half_way_is_made_good(settings):
    log = Topics.of(settings).item_log
    await create(settings, log.name, log.partitions, **{k.replace(".", "_"): v for k, v in log.config.items()})
    dying = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, transactional_id=f"{settings.app_id}-init")
    await dying.start()
    await dying.begin_transaction()
    await dying.send_and_wait(log.name, b"half", partition=0)

    await initialise(settings)
    await dying.stop()

    assert [2] * LOG_PARTITIONS == [len(partition) for partition in await log_records(settings)]


async def test_an_input_that_exists_keeps_its_partitions(settings):
    await create(settings, settings.topic_created, 2)

    report = await initialise(settings)

    assert not report.drifted


async def test_a_wrong_partition_count_is_reported_and_the_log_left_alone(settings):
    log = Topics.of(settings).item_log
    await create(settings, log.name, 4, **{k.replace(".", "_"): v for k, v in log.config.items()})

    report = await initialise(settings)

    assert {("topic", log.name): "4 partitions, not 6"} == differing(report)
    assert not [finding for finding in report.findings if finding.kind == "genesis"]


async def test_a_configuration_that_differs_is_reported_and_stays(settings):
    await initialise(settings)

    for _ in range(2):
        report = await initialise(replace(settings, dead_letter_retention=60_000))

        expected = {("topic", Topics.of(settings).dead_letter.name): "retention.ms=2592000000, not 60000"}
        assert expected == differing(report)


async def test_every_topic_with_a_schema_has_it_registered(settings):
    await initialise(settings)

    topics = Topics.of(settings)
    subjects = requested(settings, "/subjects")
    drift = f"{topics.stock_drift.name}-com.erp.inventory.atp.events.StockDrift"
    alone = {f"{topic.name}-value" for topic in (*topics.inputs, *topics.outputs) if topic is not topics.stock_drift}
    expected = {*alone, f"{drift}DetectedEvent", f"{drift}ResolvedEvent"}
    assert expected == {subject for subject in subjects if subject.startswith(settings.app_id + ".")}


async def test_a_schema_that_differs_is_reported_and_stays(settings):
    subject = f"{settings.topic_adjusted}-value"
    theirs = {"type": "record", "name": "Theirs", "fields": [{"name": "a", "type": "string"}]}
    register(RegistryAccess.of(settings), {subject: theirs})

    for _ in range(2):
        report = await initialise(settings)

        assert {("schema", subject): "its newest schema is not the one in schemas/"} == differing(report)


async def test_a_missing_registry_is_reported(settings):
    nobody = replace(settings, registry_url=f"http://127.0.0.1:{free_port()}/apis/ccompat/v7")

    with pytest.raises(RegistryUnavailable, match=r"no schema registry answers at http://127\.0\.0\.1:"):
        await initialise(nobody)


async def test_a_log_that_somebody_else_began_is_reported(settings):
    log = Topics.of(settings).item_log
    await create(settings, log.name, 6, **{k.replace(".", "_"): v for k, v in log.config.items()})
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await producer.start()
    await producer.send_and_wait(log.name, b"{}", partition=2)
    await producer.stop()

    report = await initialise(settings)

    no = "no genesis"
    expected = "; ".join(f"partition {partition}: {no}" for partition in PARTITIONS)
    assert {("genesis", log.name): expected} == differing(report)


async def test_more_replicas_than_brokers_are_refused_by_topic(settings):
    with pytest.raises(
        ProvisionError, match=rf"topic {settings.topic_adjusted} cannot be created: .*[Rr]eplication factor"
    ):
        await initialise(replace(settings, replication_factor=3))


async def test_a_policy_goes_to_every_partition_behind_what_is_there(settings):
    await initialise(settings)

    await apply_policy(settings, b'{"retention":60}')

    newest = [msgspec.json.decode(partition[-1].value, type=SetPolicy) for partition in await log_records(settings)]
    assert [b'{"retention":60}'] * LOG_PARTITIONS == [bytes(command.document) for command in newest]


async def test_a_policy_is_refused_before_there_is_a_log(settings):
    log = Topics.of(settings).item_log
    await create(settings, log.name, 6)

    with pytest.raises(ProvisionError, match=rf"the item log {log.name} has no genesis: run `atp init` first"):
        await apply_policy(settings, b"{}")


@pytest.mark.slow
async def test_a_wrong_address_is_reported_within_ten_seconds():
    nowhere = replace(Settings(), brokers=("192.0.2.1:9092",))  # an address that never answers (RFC 5737)
    started = time.monotonic()

    with pytest.raises(ProvisionError, match=r"no Kafka broker answers at 192\.0\.2\.1:9092: correct ATP_BROKER"):
        await initialise(nowhere)

    assert time.monotonic() - started < 10
