"""One hot item with many waiting: what an event costs is counted in rows, and does not grow with the queue."""

from collections.abc import Sequence
from typing import Any

import pytest

from atp_stream.domain.commands import AnyCommand, Entry
from atp_stream.domain.events import AllocationCommitted
from atp_stream.domain.fold.ledger import Folded
from atp_stream.domain.row_keys import kind_of
from tests.domain.support.log import AT, NOON, Log, count, grant, policy, release, reserve


class Counting(Log):
    """A log that counts the rows it reads, scans and writes."""

    rows_touched = 0

    def read(self, key: str) -> Any:
        self.rows_touched += 1
        return super().read(key)

    def step(self, entries: Sequence[Entry]) -> Folded:
        before = dict(self.rows)
        folded = super().step(entries)
        self.rows_touched += sum(before.get(key) != row for key, row in self.rows.items())
        return folded


@pytest.mark.parametrize("shortage", ["keep", "deallocate"])
@pytest.mark.parametrize(
    "said",
    [count(1_001, AT + 2), count(999, AT + 2), release("r0"), reserve("new", 5), release("r7", 1), grant("Q", 1)],
    ids=["more stock", "less stock", "release", "reserve", "shrink", "grant"],
)
def test_the_work_for_one_event_does_not_grow_with_the_queue(said: AnyCommand, shortage: str) -> None:
    touched = []
    for waiting in (300, 3_000):
        log = Counting()
        log.say(policy({"shortage": shortage, "tenants": {"*": {"channels": {"ECOM": {}, "Q": {"kind": "QUOTA"}}}}}))
        log.say(count(1_000))
        log.say(reserve("r0", 50), *(reserve(f"h{number}", 10) for number in range(95)))
        log.say(*(reserve(f"r{number}", 5) for number in range(1, waiting)))
        log.rows_touched = 0
        log.say(said)
        touched.append(log.rows_touched)
    assert touched[0] == touched[1]
    assert touched[0] < 250


def test_an_event_on_an_item_with_a_queue_serves_only_whom_it_can() -> None:
    log = Counting()
    log.say(count(0), *(reserve(f"r{number}", 5) for number in range(1_000)))
    log.rows_touched = 0
    events = log.say(count(12, AT + 1), log_time=NOON)
    assert ["r0", "r1"] == [event.reservation for event in events if isinstance(event, AllocationCommitted)]
    assert log.rows_touched < 30
    assert 998 == sum(kind_of(key) == "q" for key in log.rows)
