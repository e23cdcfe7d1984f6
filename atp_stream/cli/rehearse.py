"""`atp rehearse`: what another policy would have done."""

import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from atp_stream.access import KafkaAccess
from atp_stream.audit.errors import AuditError
from atp_stream.audit.reading import reader
from atp_stream.audit.rehearse import COUNTED, Period, Rehearsal, Sum
from atp_stream.audit.rehearse import rehearse as fold_both
from atp_stream.audit.snapshot import Snapshot
from atp_stream.audit.verify import Subject
from atp_stream.cli.group import Failure, as_json, pass_settings, print_json
from atp_stream.cli.verify import genesis_of, progress
from atp_stream.domain import quantity
from atp_stream.domain.policy.rules import PolicyError, parse
from atp_stream.settings import Settings
from atp_stream.topics import Topics


class Moment(click.ParamType):
    """An instant in ISO 8601, UTC if it names no zone; in milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return it as milliseconds since the epoch."""
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time like 2026-01-31T12:00:00Z", param, ctx)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--policy", "policy_file", metavar="FILE", required=True, type=_FILE, help="The policy to rehearse.")
@click.option("--from", "start", metavar="TIME", type=Moment(), help="Put it in force then; default: at the beginning.")
@click.option("--to", "end", metavar="TIME", type=Moment(), help="Count up to then; default: the end of the log.")
@click.option("--snapshot", type=_FILE, help="Start there, not from genesis.")
@as_json
@pass_settings
def rehearse(
    settings: Settings, *, policy_file: Path, start: int | None, end: int | None, snapshot: Path | None, as_json: bool
) -> None:
    """Fold the item log again under the policy in FILE, and show what would have been different.

    Nothing is written. Whole policy documents in the log give way to FILE from --from on; edits, grants, moves and all
    else stay as they were. Times are log time: when the log took the command in.

    Example: atp rehearse --policy policy.json --from 2026-01-01T00:00Z
    """
    document = policy_file.read_bytes()
    try:
        parse(document)
    except PolicyError as error:
        raise Failure(f"{policy_file} is not a policy: {error}") from error
    try:
        found = asyncio.run(_rehearse(settings, document, Period(start, end), snapshot))
    except AuditError as error:
        raise Failure(str(error)) from error
    if as_json:
        print_json(_plain(found))
    else:
        _show(found)


async def _rehearse(settings: Settings, document: bytes, period: Period, path: Path | None) -> Rehearsal:
    topics = Topics.of(settings)
    async with reader(KafkaAccess.of(settings), (topics.item_log,)) as source:
        subject = Subject(topics=topics, genesis=await genesis_of(settings, path))
        log = topics.item_log
        length = sum([await source.end(log.name, n) - await source.begin(log.name, n) for n in range(log.partitions)])
        with ExitStack() as stack:
            snapshot = stack.enter_context(Snapshot(path)) if path else None
            advance = stack.enter_context(progress(length))
            return await fold_both(source, subject, document, period, snapshot, advance)


def _places(found: Rehearsal) -> list[tuple[str, str]]:
    return sorted(found.was.keys() | found.would.keys())


def _plain(found: Rehearsal) -> dict[str, Any]:
    def sums(of: dict[str, Sum] | None) -> dict[str, Any]:
        return {what: _counted((of or {}).get(what, Sum())) for what in COUNTED}

    return {
        "partitions": [{"partition": n, "after": after, "applied": to} for n, (after, to) in found.places.items()],
        "channels": [
            {
                "tenant": tenant,
                "channel": channel,
                "was": sums(found.was.get((tenant, channel))),
                "would": sums(found.would.get((tenant, channel))),
            }
            for tenant, channel in _places(found)
        ],
    }


def _counted(one: Sum) -> dict[str, Any]:
    return {"events": one.events, "units": one.units / 100}


def _show(found: Rehearsal) -> None:
    click.echo(f"{'tenant':<16} {'channel':<16} {'units':<12} {'was':>14} {'would be':>14} {'difference':>14}")
    for tenant, channel in _places(found):
        for what in COUNTED:
            was = found.was.get((tenant, channel), {}).get(what, Sum()).units
            would = found.would.get((tenant, channel), {}).get(what, Sum()).units
            if was or would:
                change = quantity.show(would - was) if would != was else ""
                units = f"{quantity.show(was):>14} {quantity.show(would):>14} {change:>14}"
                click.echo(f"{tenant:<16} {channel:<16} {what.replace('_', ' '):<12} {units}")
    for partition, (after, applied) in found.places.items():
        start = "genesis" if after < 0 else f"offset {after}"
        click.echo(f"partition {partition}: the log from {start} to offset {applied}", err=True)
