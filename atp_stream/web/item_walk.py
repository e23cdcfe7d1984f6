"""The items of a tenant in the order of their keys: from item to item, past the rows between."""

import heapq
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from atp_stream.domain.names import encode, split
from atp_stream.domain.row_keys import behind_item
from atp_stream.engine.app import EngineApp


class Place(NamedTuple):
    """An item, named as in keys, and the partition that has it; places sort as their keys do."""

    key: bytes
    partition: int

    @property
    def name(self) -> str:
        """The name of the item, as in keys."""
        return self.key[:-1].decode()

    @property
    def item(self) -> str:
        """The item, as messages name it."""
        return split(self.name)[1]


def start_of(tenant: str, prefix: str, after: str) -> tuple[bytes, bytes]:
    """Return where a walk over the items that begin with `prefix` begins, behind the item `after` if that is not "".

    The second value is what the keys of all of them begin with.
    """
    common = f"{encode(tenant)}|{encode(prefix)}".encode()
    behind = behind_item(f"{encode(tenant)}|{encode(after)}").encode() if after else b""
    return max(common, behind), common


def walk(app: EngineApp, partitions: Sequence[int], tenant: str, prefix: str = "", after: str = "") -> Iterator[Place]:
    """Yield the items of a tenant in these partitions, in the order of their keys; each is looked up when asked for.

    The partitions must be owned as long as the walk goes on.
    """
    start, common = start_of(tenant, prefix, after)
    return heapq.merge(*(_of_partition(app, number, start, common) for number in partitions))


def walk_tenants(app: EngineApp, partition: int) -> Iterator[Place]:
    """Yield the items of all tenants in a partition, as `walk` does those of one."""
    return _of_partition(app, partition, b"", b"")


def _of_partition(app: EngineApp, partition: int, start: bytes, common: bytes) -> Iterator[Place]:
    while True:
        rows: Any = app.table.scan(partition, start)
        key, _ = next(rows, (b"", b""))
        rows.close()
        if not key or not key.startswith(common):
            return
        if key.startswith(b"|"):  # a row of the partition itself
            start = b"}"
            continue
        name = b"|".join(key.split(b"|", 2)[:2])
        yield Place(name + b"|", partition)
        start = name + b"}"  # behind all rows of the item
