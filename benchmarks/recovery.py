"""How long a worker takes to start, with its disk and without, and how much memory it takes."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiokafka.partitioner import murmur2

from atp_stream import provision
from atp_stream.access import KafkaAccess
from atp_stream.devstack import Stack
from atp_stream.settings import Settings
from atp_stream.topics import LOG_PARTITIONS, Topics
from benchmarks import site

_SETTLED_S = 3.0  # until memory is read


async def measure(stack: Stack, directory: Path, pattern: Settings, rows: int) -> dict[str, Any]:
    """Restore a state of so many rows, copied from that of the installation `pattern`."""
    name = f"recovery-{rows}"
    inputs = site.settings_of(stack, name)
    settings = replace(inputs, app_id=name)
    await provision.initialise(settings)
    await site.preload(KafkaAccess.of(settings), await _copies(pattern, settings, rows))
    worker = site.Bench(settings, directory / name)
    try:
        wiped, wiped_cpu = await worker.ready(), worker.started.cpu
        await asyncio.sleep(_SETTLED_S)
        restored = worker.memory
        await worker.stop()
        intact, intact_cpu = await worker.ready(), worker.started.cpu
        await asyncio.sleep(_SETTLED_S)
        continued = worker.memory
        await worker.stop()
    finally:
        await worker.close()
    return {
        "rows": rows,
        "wiped_s": wiped,
        "wiped_cpu_s": wiped_cpu,
        "wiped_peak_bytes": restored.peak,
        "intact_s": intact,
        "intact_cpu_s": intact_cpu,
        "intact_bytes": continued.now,
        "intact_peak_bytes": continued.peak,
    }


async def _copies(pattern: Settings, settings: Settings, rows: int) -> list[site.Load]:
    """Return rows as the engine wrote them: those of `pattern`, repeated under the names of other tenants."""
    source = Topics.of(pattern).state_changelog
    found: dict[bytes, bytes | None] = {}
    async with site.reader(KafkaAccess.of(pattern)) as consumer:
        async for record in site.read(consumer, source.name, source.partitions):
            if not record.key.startswith(b"|"):  # the partition's own rows count offsets of another log
                found[record.key] = record.value
    alive = {key: row for key, row in found.items() if row is not None}
    target = Topics.of(settings).state_changelog.name
    return [(target, partition_of(key), key, row, 0) for key, row in copies(alive, rows)]


def copies(alive: dict[bytes, bytes], rows: int) -> list[tuple[bytes, bytes]]:
    """Return `rows` rows: the given ones under tenant after tenant."""
    made: list[tuple[bytes, bytes]] = []
    tenant = 0
    while len(made) < rows:
        tenant += 1
        prefix = f"tenant-{tenant}".encode()
        made += [(prefix + key[key.index(b"|") :], row) for key, row in alive.items()][: rows - len(made)]
    return made


def partition_of(key: bytes) -> int:
    """Return the log partition of a row: that of its tenant and item."""
    name = b"|".join(key.split(b"|", 2)[:2])
    return int((murmur2(name) & 0x7FFFFFFF) % LOG_PARTITIONS)
