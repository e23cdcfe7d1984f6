"""One partition of the log, folded once more: the workers' own fold, without their engine."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from atp_stream.agents.fold_adapter import Ledger
from atp_stream.domain.commands import Elapse
from atp_stream.engine.commit_group import Answer
from atp_stream.engine.partition_state import STEP_RECORDS
from atp_stream.engine.position import LogRecord, Plan, Position, advance, plan
from atp_stream.engine.scratch_store import Scratch
from atp_stream.messages.rows import encode_command
from atp_stream.records import Output
from atp_stream.topics import WHOLE_PARTITION

Keep = Callable[[LogRecord], bool]

_ELAPSE = encode_command(Elapse(event_id="", at_us=0))


def everything(_: LogRecord) -> bool:
    """Keep every record."""
    return True


def only(item: str) -> Keep:
    """Keep what concerns one item: its own commands, and those to the whole partition."""
    keys = {item.encode(), WHOLE_PARTITION}
    return lambda record: record.key in keys


class Folding:
    """The rows of a partition, and the position that they have come to.

    Of what `keep` leaves out only the time counts: generations of stock depend on when anything came.
    """

    def __init__(
        self, ledger: Ledger, partition: int, *, rows: Scratch, position: Position, keep: Keep = everything
    ) -> None:
        self.rows = rows
        self.position = position
        self._ledger = ledger
        self._partition = partition
        self._keep = keep
        self.had_work = False  # something was waiting when it was settled

    def take(self, records: Sequence[Any]) -> Iterator[Output]:
        """Fold records that join on, and yield what they cause."""
        while records:
            part = records[:STEP_RECORDS]
            planned = self._kept(plan(self.position, part))
            answer = self._step(planned.fresh)
            self.position, covered = advance(self.position, part, planned, answer.consumed, part[-1].offset + 1)
            records = records[covered:]
            yield from answer.outputs

    def insert(self, record: LogRecord) -> Iterator[Output]:
        """Fold a record that is not in the log, in front of what comes next, and yield what it causes."""
        consumed = 0
        while not consumed:
            answer = self._step([record])
            consumed = answer.consumed
            yield from answer.outputs

    def finish_work(self) -> Iterator[Output]:
        """Finish what waits to be finished without a command, and yield what that causes."""
        unfinished = True
        while unfinished:
            answer = self._step([])
            self.had_work = self.had_work or bool(answer.rows)
            unfinished = answer.unfinished
            yield from answer.outputs

    def _step(self, records: Sequence[LogRecord]) -> Answer:
        answer = self._ledger(self._partition, self.rows, records)
        if not (answer.consumed or answer.rows) and (records or answer.unfinished):
            raise RuntimeError("the fold neither consumed a record nor changed a row")
        self.rows.write(answer.rows.items())
        return answer

    def _kept(self, planned: Plan) -> Plan:
        fresh = [record if self._keep(record) else _time_of(record) for record in planned.fresh]
        return planned._replace(fresh=fresh)


def _time_of(record: LogRecord) -> LogRecord:
    return msgspec.structs.replace(record, key=WHOLE_PARTITION, value=_ELAPSE, source=b"", original=b"")
