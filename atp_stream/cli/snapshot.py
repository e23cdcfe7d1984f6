"""`atp snapshot`: the tables in a file."""

import asyncio
from pathlib import Path
from typing import Any

import click

from atp_stream.access import KafkaAccess
from atp_stream.audit import snapshot as file
from atp_stream.audit.errors import AuditError
from atp_stream.audit.reading import reader
from atp_stream.cli.group import Failure, as_json, pass_settings, print_json
from atp_stream.cli.verify import genesis_of
from atp_stream.settings import Settings
from atp_stream.topics import Topics


@click.command()
@click.argument("file_name", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@as_json
@pass_settings
def snapshot(settings: Settings, *, file_name: Path, overwrite: bool, as_json: bool) -> None:
    """Write the tables, each partition at a named place of the item log, to FILE.

    `atp verify` and `atp rehearse` can start from it when retention has removed the beginning of the log. Workers may
    run meanwhile.

    Example: atp snapshot monday.atp
    """
    if file_name.exists() and not overwrite:
        raise Failure(f"{file_name} exists: give another name, or --overwrite")
    sections: list[file.Section] = []

    def report(section: file.Section) -> None:
        sections.append(section)
        if not as_json:
            click.echo(f"partition {section.partition}: {section.rows} rows, up to offset {_applied(section)}")

    try:
        asyncio.run(_write(settings, file_name, report))
    except AuditError as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"{file_name} cannot be written: {error.strerror}") from error
    if as_json:
        places = [{"partition": s.partition, "applied": _applied(s), "rows": s.rows} for s in sections]
        print_json({"snapshot": str(file_name), "partitions": places})


async def _write(settings: Settings, path: Path, report: Any) -> None:
    topics = Topics.of(settings)
    head = file.Head(snapshot=file.FORMAT, genesis=await genesis_of(settings, None), app=settings.app_id)
    async with reader(KafkaAccess.of(settings), (topics.item_log, topics.state_changelog)) as source:
        await file.write(path, head, source, topics.state_changelog.name, topics.item_log.partitions, report)


def _applied(section: file.Section) -> int:
    return -1 if section.position is None else section.position.applied
