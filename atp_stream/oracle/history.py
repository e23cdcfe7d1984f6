"""What the topics hold: the whole material of the books, as it came off the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Record(NamedTuple):
    """A Kafka record; `timestamp` in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def place(self) -> str:
        """Where it stands: `topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    def header(self, name: str) -> str | None:
        """Return the header `name` as text, None if there is none."""
        found = dict(self.headers).get(name)
        return None if found is None else found.decode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The topics, as they are called on this cluster; `tenant` is that of messages which name none.

    Without a `state_changelog` the tables are not looked at; nor drift, supplies and dates without their topics.
    """

    adjusted: str
    counted: str
    created: str
    confirmed: str
    released: str
    fulfilled: str
    item_log: str
    availability_calculated: str
    allocation_committed: str
    allocation_released: str
    reservation_denied: str
    dead_letter: str
    supply_scheduled: str = ""
    supply_changed: str = ""
    supply_cancelled: str = ""
    supply_received: str = ""
    reservation_promised: str = ""
    availability_projected: str = ""
    stock_drift: str = ""
    state_changelog: str = ""
    tenant: str = ""

    @property
    def inputs(self) -> tuple[str, ...]:
        """What upstream writes."""
        always = (self.adjusted, self.counted, self.created, self.confirmed, self.released, self.fulfilled)
        supplies = (self.supply_scheduled, self.supply_changed, self.supply_cancelled, self.supply_received)
        return (*always, *filter(None, supplies))

    @property
    def outputs(self) -> tuple[str, ...]:
        """What downstream reads."""
        return (
            self.availability_calculated,
            self.allocation_committed,
            self.allocation_released,
            self.reservation_denied,
            *filter(None, (self.reservation_promised, self.availability_projected, self.stock_drift)),
        )

    @property
    def every(self) -> tuple[str, ...]:
        """All that is read for the books."""
        return (*self.inputs, self.item_log, *self.outputs, self.dead_letter, *self.tables)

    @property
    def tables(self) -> tuple[str, ...]:
        """What the state is kept in; nothing where it is not to be looked at."""
        return (self.state_changelog,) if self.state_changelog else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All records of all topics, committed ones only, each partition in its order.

    `schemas` are the registry's by id; None where it has none of this id. `beyond` counts the inputs that were in the
    log, but not in the tables yet, and are left out.
    """

    names: Names
    records: Sequence[Record]
    schemas: Mapping[int, Any] = field(default_factory=dict)
    beyond: int = 0

    def of(self, *topics: str) -> list[Record]:
        """Return the records of some topics."""
        return [record for record in self.records if record.topic in topics]
