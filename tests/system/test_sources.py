"""Source topics that change under the worker, and a registry that goes away."""

import asyncio

import pytest
from aiokafka.admin import NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.engine.app import EXIT_GAVE_UP
from chaos import judge, refold
from tests.system.site import Site

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def adjustment(item: str, quantity: int) -> dict[str, object]:
    return {"product_id": item, "adjusted_quantity": quantity, "new_quantity": quantity}


async def test_a_registry_that_goes_away_is_not_noticed_by_known_ids(site: Site, stack: Stack) -> None:
    worker = site.add_worker()
    await site.ready()
    stack.stop_registry()
    try:
        # Partition 0 waits for a schema that nobody can tell; the others go on.
        await site.send(site.topics.created.name, b"\x00\x00\x01\x86\x9f\x02a", partition=0)
        await site.send(
            site.topics.created.name, {"reservationId": "behind", "itemId": "i", "quantity": 1}, partition=0
        )
        for partition in range(6):
            await site.send(site.topics.adjusted.name, adjustment(f"item-{partition}", 5), partition=partition)
        answers = [await _answered(site, f"item-{partition}") for partition in range(6)]
    finally:
        stack.start_registry()
    await site.drained()

    assert [5] * 6 == answers
    letters = await site.read(site.topics.dead_letter.name)
    assert [b"unknown_schema"] == [dict(letter.headers)["atp-reason"] for letter in letters]
    status, body = await worker.get("/atp/acme/i")
    assert (200, 1) == (status, sum(channel["waiting"] for channel in body["channels"]))
    assert [] == await refold.differences(site.settings, await judge.history(site.settings))


async def _answered(site: Site, item: str) -> int:
    async with asyncio.timeout(20):
        while True:
            status, body = await site.workers[0].get(f"/atp/acme/{item}")
            if status == 200:
                return int(body["on_hand"])
            await asyncio.sleep(0.1)


async def test_a_source_topic_made_anew_stops_the_worker_until_it_is_reset(site: Site) -> None:
    topic = site.topics.adjusted
    worker = site.add_worker()
    await site.ready()
    for number in range(12):
        await site.send(topic.name, adjustment("old", number), partition=number % topic.partitions)
    await site.drained()
    worker.stop()
    async with provision.administration(KafkaAccess.of(site.settings)) as admin:
        await admin.delete_topics([topic.name])
        await asyncio.sleep(1)
        await admin.create_topics([NewTopic(topic.name, topic.partitions, 1)])
    await asyncio.sleep(1)
    for number in range(18):
        await site.send(topic.name, adjustment("new", number), partition=number % topic.partitions)

    worker.start()
    code = await asyncio.to_thread(worker.wait, 60)
    assert EXIT_GAVE_UP == code
    assert f"`atp source reset {topic.name}`" in worker.said()

    await provision.reset_source(site.settings, topic.name)
    worker.start()
    await site.ready()
    await site.drained()

    status, body = await worker.get("/atp/acme/new")
    assert (200, 17) == (status, body["on_hand"])


async def test_a_log_partition_that_retention_has_emptied_stops_nobody(site: Site) -> None:
    """All that is left of a quiet partition may be the marker of an operator's transaction, or nothing."""
    worker = site.add_worker()
    await site.ready()
    await site.send(site.topics.adjusted.name, adjustment("kept", 7))
    await site.drained()
    worker.stop()
    log = site.topics.item_log.name
    ends = await site.ends([log])
    async with provision.administration(KafkaAccess.of(site.settings)) as admin:
        await admin.delete_records({tp: RecordsToDelete(before_offset=end) for tp, end in ends.items()})

    worker.start()
    await site.ready()
    await site.send(site.topics.adjusted.name, adjustment("later", 8))
    await site.drained()

    answers = [await worker.get(f"/atp/acme/{item}") for item in ("kept", "later")]
    assert [(200, 7), (200, 8)] == [(status, body["on_hand"]) for status, body in answers]


async def test_a_data_directory_that_was_wiped_is_restored_from_the_changelog(site: Site) -> None:
    worker = site.add_worker()
    await site.ready()
    await site.send_all((site.topics.adjusted.name, adjustment(f"item-{number}", number)) for number in range(200))
    await site.drained()
    before = [await worker.get(f"/atp/acme/item-{number}") for number in range(0, 200, 7)]
    worker.kill()
    for path in sorted(worker.data.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    worker.start()
    await site.ready()

    assert before == [await worker.get(f"/atp/acme/item-{number}") for number in range(0, 200, 7)]
    assert 200 == before[0][0]
