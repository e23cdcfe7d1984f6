"""A Kafka of one broker, as far as exactly-once depends on it: what lands, what is decided, what a reader may see.

Every call is one atomic act of the broker; the ways there and back are the client's. Modelled: producer ids with
epochs and fencing, transactions whose decision and whose markers are two things, markers and aborted records that
take offsets, the last stable offset, transactions that time out.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from aiokafka.structs import TopicPartition

TRANSACTION_TIMEOUT: Final = 30.0


class Fenced(Exception):
    """Another producer has taken the transactional id over."""


class Undecided(Exception):
    """The last transaction of this id is not complete yet: ask again."""


class NoTransaction(Exception):
    """A transactional record outside of a transaction."""


class Record(NamedTuple):
    """A consumed record, with the attributes that are read."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Stored(NamedTuple):
    """One offset: a record, or a marker; `transaction` is the one it belongs to."""

    record: Record | None
    transaction: "Transaction | None"


@dataclass(eq=False)
class Transaction:
    """`committed` is None while nothing is decided; `pending` are the partitions that have no marker yet."""

    committed: bool | None = None
    pending: dict[TopicPartition, int] = field(default_factory=dict)  # and the first offset there


@dataclass(eq=False)
class Identity:
    """What the coordinator knows of a transactional id."""

    epoch: int = -1
    current: Transaction | None = None


class Broker:
    """All topics, and the coordinator of transactions."""

    def __init__(self) -> None:
        self.partitions: dict[TopicPartition, list[Stored]] = {}
        self.identities: dict[str, Identity] = {}
        self.open: dict[TopicPartition, list[Transaction]] = {}
        self.now: Callable[[], float] = lambda: 0.0
        self.on_moved: Callable[[TopicPartition], None] = lambda _: None  # a reader may see more
        self.on_decided: Callable[[Transaction], None] = lambda _: None  # markers are to be written
        self.on_begun: Callable[[str, Transaction], None] = lambda *_: None

    def create(self, topic: str, partitions: int) -> None:
        for number in range(partitions):
            self.partitions[TopicPartition(topic, number)] = []
            self.open[TopicPartition(topic, number)] = []

    # -- producing -----------------------------------------------------------------------------

    def initialise(self, name: str) -> int:
        """Give a transactional id to a new producer; return its epoch. Raises Undecided."""
        identity = self.identities.setdefault(name, Identity())
        if identity.current is not None:
            if identity.current.committed is None:
                identity.epoch += 1  # the old producer is out as of now
                self._decide(identity.current, committed=False)
            raise Undecided
        identity.epoch += 1
        return identity.epoch

    def append(
        self, tp: TopicPartition, records: list[tuple[bytes | None, bytes | None, Any]], *, name: str | None = None,
        epoch: int = -1,
    ) -> int:  # fmt: skip
        """Append a batch and return its first offset. Raises Fenced, Undecided or NoTransaction."""
        log = self.partitions[tp]
        transaction = None
        if name is not None:
            transaction = self._ongoing(name, epoch)
            if tp not in transaction.pending:
                transaction.pending[tp] = len(log)
                self.open[tp].append(transaction)
        first = len(log)
        stamp = round(self.now() * 1000)
        for key, value, headers in records:
            record = Record(tp.topic, tp.partition, len(log), stamp, key, value, tuple(headers))
            log.append(Stored(record, transaction))
        self.on_moved(tp)
        return first

    def begin(self, name: str, epoch: int) -> Transaction:
        """Return the open transaction of a producer, a new one if there is none. Raises Fenced or Undecided."""
        identity = self._checked(name, epoch)
        if identity.current is None:
            identity.current = Transaction()
            self.on_begun(name, identity.current)
        elif identity.current.committed is not None:
            raise Undecided
        return identity.current

    def end(self, name: str, epoch: int, *, committed: bool) -> Transaction | None:
        """Decide the open transaction, and return it; its markers are written later. Raises Fenced or Undecided."""
        identity = self._checked(name, epoch)
        transaction = identity.current
        if transaction is None:
            return None
        if transaction.committed is None:
            self._decide(transaction, committed=committed)
        return transaction

    def expire(self, name: str, transaction: Transaction) -> None:
        """Abort a transaction that was open for too long; its producer is out."""
        identity = self.identities[name]
        if identity.current is transaction and transaction.committed is None:
            identity.epoch += 1
            self._decide(transaction, committed=False)

    def _checked(self, name: str, epoch: int) -> Identity:
        identity = self.identities[name]
        if epoch != identity.epoch:
            raise Fenced
        return identity

    def _ongoing(self, name: str, epoch: int) -> Transaction:
        current = self._checked(name, epoch).current
        if current is None:
            raise NoTransaction
        if current.committed is not None:
            raise Undecided
        return current

    def _decide(self, transaction: Transaction, *, committed: bool) -> None:
        transaction.committed = committed
        if not transaction.pending:
            self._complete(transaction)
        self.on_decided(transaction)

    def mark(self, transaction: Transaction, tp: TopicPartition) -> None:
        """Write the marker of a decided transaction to one partition."""
        if transaction.pending.pop(tp, None) is not None:
            self.partitions[tp].append(Stored(None, transaction))
            self.open[tp].remove(transaction)
            if not transaction.pending:
                self._complete(transaction)
            self.on_moved(tp)

    def _complete(self, transaction: Transaction) -> None:
        for identity in self.identities.values():
            if identity.current is transaction:
                identity.current = None

    # -- consuming -----------------------------------------------------------------------------

    def stable_end(self, tp: TopicPartition) -> int:
        """Return the last stable offset."""
        return min([t.pending[tp] for t in self.open[tp]], default=len(self.partitions[tp]))

    def fetch(self, tp: TopicPartition, start: int, most: int = 1_000_000) -> tuple[list[Record], int]:
        """Return committed records from a position on, and the position behind what was looked at."""
        end = min(self.stable_end(tp), start + most)
        stored = self.partitions[tp][start:end]
        records = [
            one.record for one in stored if one.record and (one.transaction is None or one.transaction.committed)
        ]
        return records, max(start, end)
