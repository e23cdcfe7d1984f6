"""A kill that is known to have met work: some of it done, some of it not."""

from collections.abc import Callable, Sequence

from atp_stream.engine.partitioner import partition_of
from atp_stream.topics import LOG_PARTITIONS
from tests.system.behind import Behind
from tests.system.site import Site, Worker


async def owner_of(workers: Sequence[Worker], item: str) -> Worker:
    """Return the worker that answers for an item."""
    partition = partition_of(f"acme|{item}".encode(), LOG_PARTITIONS)
    (owner,) = [worker for worker in workers if partition in await worker.partitions()]
    return owner


async def kill_amid_work(site: Site, worker: Worker, work: Callable[[], None]) -> None:
    """Hand out work, and kill a worker that has not done all of it; fail where it had.

    It is stopped for a moment, else nobody could say what it had done when it died.
    """
    behind = Behind(site.settings)
    await behind.open()
    try:
        await behind.look()
        done = behind.applied
        work()
        worker.signal(site.STOP)
        left = await behind.look()
    finally:
        await behind.close()
    worker.kill()
    assert 0 < done
    assert (0, 0) != left, "the worker had done all before it was killed"
