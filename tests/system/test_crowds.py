"""A crowd of sockets that ask nothing at a worker's port takes no descriptor that its work needs."""

import asyncio
import resource
import socket
import time

import pytest

from tests.system.site import Site, Worker

pytestmark = [pytest.mark.slow]
CROWD = 300
FEW = 256
HALF = b"GET /atp/acme/item-1 HTTP/1.1\r\nHost: localhost\r\nX-a: "


@pytest.mark.parametrize("hard", [FEW, None], ids=["and no more", "but more if asked for"])
async def test_three_hundred_idle_sockets_stop_neither_health_nor_intake_where_few_files_may_be_open(
    site: Site, hard: int | None
) -> None:
    worker = site.add_worker((FEW, hard or resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    await site.ready()
    assert worker.process is not None
    crowd: list[socket.socket] = []
    try:
        for _ in range(CROWD):
            crowd.append(socket.create_connection(("127.0.0.1", worker.port), timeout=5))
            crowd[-1].sendall(HALF)
        began = time.monotonic()
        for number in range(200):
            await site.send(site.topics.counted.name, {"itemId": f"item-{number}", "onHand": number})
            if number % 20 == 0:
                assert 200 == (await answered(worker, "/health/live"))
        assert time.monotonic() - began < 15
        await site.drained(30)
        assert (200, 7) == await on_hand(worker, "item-7")
    finally:
        for one in crowd:
            one.close()
    assert "Traceback" not in worker.said()
    assert worker.said().count("\n") < 100


async def answered(worker: Worker, path: str) -> int:
    async with asyncio.timeout(15):
        return (await worker.get(path))[0]


async def on_hand(worker: Worker, item: str) -> tuple[int, float]:
    status, body = await worker.get(f"/atp/acme/{item}")
    return status, body["on_hand"]


async def test_a_worker_opens_as_many_files_as_it_may(site: Site) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    worker = site.add_worker((min(FEW, hard), hard))
    await site.ready()
    assert worker.process is not None

    assert (hard, hard) == resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE)
