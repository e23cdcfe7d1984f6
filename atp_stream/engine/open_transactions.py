"""Waiting for transactions that stand open in a changelog, and saying which ones they are."""

import asyncio
from collections.abc import Callable
from typing import Any

from faust.types import TP
from mode import get_logger

from atp_stream.engine.ownership import Assignment

log = get_logger(__name__)

#: How often it is looked whether a changelog still has an open transaction, and how often it is reported that it has.
POLL_INTERVAL_S = 0.05
REPORT_INTERVAL_S = 10.0
HANGING = (
    "{0}/{1}: a transaction that no worker holds stands open at offset {2}, and nothing behind it can be read:"
    " end it with `kafka-transactions.sh abort --topic {0} --partition {1} --start-offset {2}`"
)


async def until_decided(
    consumer: Any,  # ours: `RunConsumer`
    changelogs: set[TP],
    assignment: Assignment,
    *,
    give_up: Callable[[str], None],
    patience_s: float,
) -> None:
    """Return when no transaction is open in changelogs whose earlier owners are fenced; give up after `patience_s`.

    Behind an open one stand rows that are committed and cannot be read: a recovery would pass them over.

    Raises:
        AssignmentLost: the group has given the partitions to another worker, whose transaction it may be.
    """
    loop = asyncio.get_running_loop()
    began = warned_at = loop.time()
    while found := await consumer.undecided(changelogs):
        await assignment.hold()
        now = loop.time()
        what = "; ".join(HANGING.format(*tp, offset) for tp, offset in sorted(found.items()))
        if now - began > patience_s:
            give_up(what)
        elif now - warned_at > REPORT_INTERVAL_S:
            warned_at = now
            log.error(what)
        await asyncio.sleep(POLL_INTERVAL_S)
