"""Puts right what an audit found, where that is honest: rows, and what availability shows; never allocation events.

A repair takes the partition over as a worker would, and writes in one transaction of the partition's own id: a worker
that still runs is fenced and cannot commit over it. Workers read the repair from the changelog, like any other step.
"""

from collections.abc import Callable
from functools import partial

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from atp_stream.access import KafkaAccess
from atp_stream.access.trouble import describe_error
from atp_stream.audit.errors import AuditError
from atp_stream.audit.reading import Reader
from atp_stream.audit.rows import Difference
from atp_stream.audit.verify import Case
from atp_stream.engine.batches import Batches
from atp_stream.engine.coordination import KafkaCoordinator
from atp_stream.engine.once_producer import AnswerLost
from atp_stream.engine.ownership import MissingOwner, TakeOver
from atp_stream.engine.position import POSITION_KEY, encode_position
from atp_stream.engine.producers import partition_id
from atp_stream.provision import administration
from atp_stream.records import Output
from atp_stream.settings import Settings
from atp_stream.topics import Topics


class _Operator:
    """An operator's claim to a partition: no group has given it, so none can take it away."""

    generation = 2**31

    async def hold(self) -> None: ...

    async def is_accepted(self) -> bool:
        return True


async def refuse_running(settings: Settings) -> None:
    """Refuse while workers run.

    Raises:
        AuditError: the group has members.
    """
    async with administration(KafkaAccess.of(settings)) as admin:
        for answer in await admin.describe_consumer_groups([settings.app_id]):
            for _, _, state, *_ in answer.groups:
                if state not in {"Empty", "Dead"}:
                    raise AuditError("workers are running: stop all of them before a repair")


def refuse_unfit(case: Case) -> None:
    """Refuse a partition in which rewriting rows would lose something.

    Raises:
        AuditError: it says what, and what to do.
    """
    if case.held.position is None:
        raise AuditError(f"partition {case.partition} has no tables yet: start a worker, it makes them from the log")
    if case.unfinished:
        raise AuditError(
            f"partition {case.partition} is in the middle of work whose events a repair would lose: start a worker,"
            " let it come to rest, stop it, and try again"
        )


async def repair(
    settings: Settings, genesis: str, reader: Reader, case: Case, report: Callable[[Difference], None]
) -> int:
    """Write the rows that the log gives over those that differ, and the position; return how many rows that were.

    Raises:
        AuditError: somebody wrote to the tables since they were read, or the transaction failed; nothing was changed.
    """
    kafka, topic = KafkaAccess.of(settings), Topics.of(settings).owners.name
    try:
        async with KafkaCoordinator(kafka, topic) as coordinator:
            id_of = partial(partition_id, settings.app_id, genesis)
            take_over = TakeOver(coordinator, _Operator(), topic=topic, id_of=id_of)
            try:
                producer = (await take_over.fence([case.partition]))[case.partition]
                await _refuse_changed(settings, reader, case)
                await producer.begin_transaction()  # what fails is not aborted: nothing more is sent under this id
                count = await _rewrite(settings, producer, case, report)
                await producer.commit_transaction()
                return count
            finally:
                await take_over.close()
    except MissingOwner as error:
        raise AuditError(f"partition {case.partition} was not repaired: {error}; run `atp init`") from error
    except AnswerLost as error:
        raise AuditError(f"whether partition {case.partition} was repaired is not known: verify it again") from error
    except KafkaError as error:
        raise AuditError(describe_error(kafka, error, f"partition {case.partition} was not repaired")) from error


async def _refuse_changed(settings: Settings, reader: Reader, case: Case) -> None:
    changelog = Topics.of(settings).state_changelog.name
    end = await reader.decided_end(changelog, case.partition)
    async for records in reader.stretch(changelog, case.partition, case.held.end, end):
        if records:
            raise AuditError(f"the tables of partition {case.partition} were changed meanwhile: stop all workers first")


async def _rewrite(
    settings: Settings, producer: AIOKafkaProducer, case: Case, report: Callable[[Difference], None]
) -> int:
    changelog = Topics.of(settings).state_changelog.name
    batches = Batches(producer)
    count = 0
    for one in case.wrong_rows():
        report(one)
        await batches.add(Output(changelog, case.partition, one.key, one.wanted, []))
        count += 1
    position = case.folding.position
    position.applied = case.applied
    await batches.add(Output(changelog, case.partition, POSITION_KEY, encode_position(position), []))
    await batches.send()
    return count
