"""`atp verify`: is the running system what its log says?"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from atp_stream.access import KafkaAccess, RegistryAccess
from atp_stream.audit.errors import AuditError
from atp_stream.audit.events import MAX_SHOWN
from atp_stream.audit.reading import Reader, reader
from atp_stream.audit.repair import refuse_running, refuse_unfit, repair
from atp_stream.audit.snapshot import Snapshot
from atp_stream.audit.verify import Advance, Case, Subject, Verification
from atp_stream.cli.group import Failure, as_json, pass_settings, print_json
from atp_stream.domain import names
from atp_stream.engine.partitioner import partition_of
from atp_stream.messages.output_reader import OutputReader
from atp_stream.messages.registry import SchemaCache
from atp_stream.provision.item_log import find_genesis
from atp_stream.settings import Settings
from atp_stream.topics import Topics


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The options of the command."""

    item: str | None
    snapshot: Path | None
    repair: bool
    yes: bool
    quiet: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found of one partition; `after` -1 means from the beginning."""

    partition: int
    after: int
    applied: int
    rows: int
    events: int
    differences: int
    lines: list[str]
    repaired: int = 0

    @property
    def left(self) -> int:
        """How many differences there still are."""
        return self.differences - self.repaired

    def plain(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "partition": self.partition, "after": self.after, "applied": self.applied, "rows": self.rows,
            "events": self.events, "differences": self.differences, "repaired": self.repaired, "told": self.lines,
        }  # fmt: skip


@click.command()
@click.option("--item", "item_id", metavar="ITEM", help="Look at this item only, and show its rows.")
@click.option("--tenant", help="Whose item; default: ATP_DEFAULT_TENANT.")
@click.option(
    "--snapshot", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Start there, not from genesis."
)
@click.option("--repair", is_flag=True, help="Write rows that differ anew; workers must be stopped.")
@click.option("--yes", is_flag=True, help="Do not ask before a repair.")
@as_json
@pass_settings
@click.pass_context
def verify(
    ctx: click.Context, settings: Settings, *, item_id: str | None, tenant: str | None, snapshot: Path | None,
    repair: bool, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Fold the item log again, and compare tables and published events with what it says.

    Workers may run meanwhile: each partition is compared at the place in the log that its own tables name. The tables
    are read from their changelog, not from a worker's directory. Exit code 1 if anything differs.

    Example: atp verify --snapshot monday.atp
    """
    owner = tenant or settings.default_tenant
    if item_id is not None and not owner:
        raise click.UsageError("name the tenant with --tenant, or set ATP_DEFAULT_TENANT")
    if repair and item_id is not None:
        raise click.UsageError("--repair is for whole partitions: leave --item out")
    item = None if item_id is None else names.join(owner, item_id)
    wanted = Wanted(item=item, snapshot=snapshot, repair=repair, yes=yes, quiet=as_json)
    try:
        verdicts = asyncio.run(_verify(settings, wanted))
    except AuditError as error:
        raise Failure(str(error)) from error
    if item is not None and not any(one.rows or one.events or one.differences for one in verdicts):
        raise Failure(f"nothing is known of item {item_id!r} of {owner!r}: it has no rows and no events")
    left = sum(verdict.left for verdict in verdicts)
    if as_json:
        print_json({"equal": not left, "partitions": [verdict.plain() for verdict in verdicts]})
    else:
        click.echo("all is as the log says" if not left else f"{left} differences")
    ctx.exit(1 if left else 0)


async def _verify(settings: Settings, wanted: Wanted) -> list[Verdict]:
    topics = Topics.of(settings)
    if wanted.repair:
        await refuse_running(settings)
    verdicts = []
    schemas = SchemaCache(RegistryAccess.of(settings))
    try:
        async with reader(KafkaAccess.of(settings), topics.every) as source:
            subject = Subject(topics=topics, genesis=await genesis_of(settings, wanted.snapshot), item=wanted.item)
            numbers = [partition for partition in range(topics.item_log.partitions) if _concerns(subject, partition)]
            with ExitStack() as stack:
                snapshot = stack.enter_context(Snapshot(wanted.snapshot)) if wanted.snapshot else None
                advance = stack.enter_context(progress(await _length(source, topics, numbers)))
                verification = Verification(subject, source, OutputReader(schemas), advance)
                for partition in numbers:
                    async with verification.case(partition, snapshot) as case:
                        verdict = await _judged(settings, subject, source, verification, case, wanted)
                    verdicts.append(verdict)
    finally:
        schemas.close()
    return verdicts


async def genesis_of(settings: Settings, snapshot: Path | None) -> str:
    """Return the name of the log: as it stands in the log, or as the snapshot remembers it.

    Raises:
        AuditError: retention has removed all that could name it.
    """
    found = await find_genesis(settings)
    if found is None and snapshot is not None:
        with Snapshot(snapshot) as known:
            return known.head.genesis
    if found is None:
        raise AuditError("retention has emptied the item log: give a snapshot (`atp snapshot` makes one)")
    return found


def _concerns(subject: Subject, partition: int) -> bool:
    if subject.item is None:
        return True
    return partition == partition_of(subject.item.encode(), subject.topics.item_log.partitions)


async def _length(source: Reader, topics: Topics, partitions: list[int]) -> int:
    log = topics.item_log.name
    return sum([await source.end(log, number) - await source.begin(log, number) for number in partitions])


async def _judged(
    settings: Settings, subject: Subject, source: Reader, verification: Verification, case: Case, wanted: Wanted
) -> Verdict:
    rows, place = case.wrong_rows(), case.wrong_place()
    lines = [str(one) for one in islice(rows, MAX_SHOWN)]
    wrong_rows = len(lines) + sum(1 for _ in rows) + len(place)
    laws = case.broken_laws()
    broken = list(islice(laws, MAX_SHOWN))
    count = wrong_rows + len(broken) + sum(1 for _ in laws)
    events = await verification.wrong_events(case)
    verdict = Verdict(
        partition=case.partition, after=case.after, applied=case.applied, rows=case.count_rows(),
        events=case.events.found, differences=count + events.count, lines=[*lines, *place, *broken, *events.shown],
    )  # fmt: skip
    if not wanted.quiet:
        _show(case, verdict, item=wanted.item is not None)
    if not (wanted.repair and wrong_rows):
        return verdict
    await _repair(settings, subject, source, case, wrong_rows, wanted)
    return Verdict(**{**{name: getattr(verdict, name) for name in Verdict.__slots__}, "repaired": wrong_rows})


def _show(case: Case, verdict: Verdict, *, item: bool) -> None:
    start = "genesis" if verdict.after < 0 else f"offset {verdict.after}"
    state = "equal" if not verdict.differences else f"{verdict.differences} differences"
    click.echo(
        f"partition {verdict.partition}: the log from {start} to offset {verdict.applied}, {verdict.rows} rows,"
        f" {verdict.events} events: {state}"
    )
    for line in verdict.lines:
        click.echo(f"  {line}")
    if verdict.differences > len(verdict.lines):
        click.echo(f"  ... and {verdict.differences - len(verdict.lines)} more")
    if item:
        for key, row in case.item_rows():
            click.echo(f"  {key.decode()} {row.decode()}")


async def _repair(
    settings: Settings, subject: Subject, source: Reader, case: Case, count: int, wanted: Wanted
) -> None:  # fmt: skip
    refuse_unfit(case)
    if not wanted.yes:
        click.confirm(f"write {count} rows of partition {case.partition} as the log says?", abort=True, err=True)
    await repair(settings, subject.genesis, source, case, lambda one: click.echo(f"  writing: {one}", err=True))


@contextmanager
def progress(length: int) -> Iterator[Advance]:
    """Show a bar on a terminal's stderr, of so many log records."""
    bar = Progress(
        TextColumn("{task.description:<7}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True, disable=not Console(stderr=True).is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task("tables", total=max(1, length))

        def advance(what: str, count: int) -> None:
            bar.update(task, description=what, advance=count if what == "log" else 0)

        yield advance
