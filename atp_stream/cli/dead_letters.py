"""`atp dead-letters`: what was refused, why, and another try for it."""

import asyncio
from collections.abc import Iterable, Sequence

import click
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from atp_stream.access import KafkaAccess
from atp_stream.access.trouble import describe_error
from atp_stream.cli.consuming import reading
from atp_stream.cli.group import Failure, as_json, pass_settings, print_json
from atp_stream.cli.text import counted, did_you_mean
from atp_stream.domain.reasons import Reason
from atp_stream.messages.dead_letters import OUR_HEADERS, escaped
from atp_stream.messages.stored_letters import REPLAYED_HEADER, StoredLetter
from atp_stream.messages.subjects import About
from atp_stream.settings import Settings
from atp_stream.topics import Topics


@click.group(name="dead-letters")
def dead_letters() -> None:
    """Show what was refused, and send it again.

    Example: atp dead-letters list --reason unknown_schema
    """


def _known(_context: click.Context, _option: click.Parameter, reason: str | None) -> str | None:
    if reason is not None and reason not in {*Reason}:
        raise click.BadParameter(f"no letter has the reason {reason}{did_you_mean(reason, Reason)}")
    return reason


reason_option = click.option("--reason", callback=_known, help="Only letters with this reason.")
source_option = click.option("--topic", "source", help="Only messages that came from this topic.")


@dead_letters.command(name="list", short_help="Print the newest dead letters.")
@reason_option
@source_option
@click.option("--last", type=click.IntRange(1), default=50, show_default=True, help="At most so many, the newest.")
@as_json
@pass_settings
def list_(settings: Settings, *, reason: str | None, source: str | None, last: int, as_json: bool) -> None:
    """Print the newest dead letters, oldest first, each message once; with item and reservation if it is JSON.

    Example: atp dead-letters list --last 5 --json
    """
    found = asyncio.run(read(settings, reason=reason, source=source))[-last:]
    kinds = Topics.of(settings).kinds
    letters = [letter.plain(letter.about(kinds)) for letter in found]
    if as_json:
        print_json({"letters": letters})
        return
    for shown in letters:
        click.echo(f"{shown['at']}  {shown['reason']}  {shown['origin']}")
        named = [f"{what} {escaped(shown[what])}" for what in About._fields if shown[what] is not None]
        if named:
            click.echo(f"    {', '.join(named)}")
        click.echo(f"    {shown['detail']}")
    click.echo(counted(len(found), "dead letter"), err=True)


@dead_letters.command(short_help="Send refused messages again.")
@reason_option
@source_option
@click.option("--origin", help="Only this one: topic/partition/offset, as `list` shows it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@pass_settings
def replay(
    settings: Settings, *, reason: str | None, source: str | None, origin: str | None, yes: bool, as_json: bool
) -> None:
    """Send refused messages to the topics that they came from, byte for byte, with their own headers.

    For when what refused them is mended: a schema was registered, a default tenant set. What is still wrong with them
    makes new dead letters; of all the letters of one message one is sent. A letter stays, and may be replayed again.
    What was cut short, or appended by an operator, is left alone.

    Example: atp dead-letters replay --reason unknown_schema --yes
    """
    if not (reason or source or origin):
        raise click.UsageError("say which: --reason, --topic or --origin")
    inputs = {topic.name for topic in Topics.of(settings).inputs}
    chosen = _one_of_each_message(
        letter
        for letter in asyncio.run(read(settings, reason=reason, source=source))
        if letter.whole and letter.source in inputs and origin in {None, letter.origin}
    )
    if chosen and not yes:
        click.confirm(f"send {counted(len(chosen), 'message')} again?", abort=True, err=True)
    asyncio.run(_send(settings, chosen))
    if as_json:
        print_json({"replayed": [letter.origin for letter in chosen]})
    else:
        click.echo(f"sent {counted(len(chosen), 'message')} again")


async def read(settings: Settings, *, reason: str | None = None, source: str | None = None) -> list[StoredLetter]:
    """Return the dead letters there are, oldest first, each message once.

    Raises:
        Failure: no broker answers, or the topic is missing.
    """
    topic = Topics.of(settings).dead_letter
    found: dict[str, StoredLetter] = {}  # intake may write a letter twice, with the same origin
    async with reading(settings, [topic]) as (consumer, partitions):
        ends = await consumer.end_offsets(partitions)
        while behind := [tp for tp in partitions if await consumer.position(tp) < ends[tp]]:
            for records in (await consumer.getmany(*behind, timeout_ms=200)).values():
                for record in records:
                    letter = StoredLetter.of(record)
                    found.setdefault(letter.origin, letter)
    chosen = [
        letter for letter in found.values() if reason in {None, letter.reason} and source in {None, letter.source}
    ]
    return sorted(chosen, key=lambda letter: letter.at)


def _one_of_each_message(letters: Iterable[StoredLetter]) -> list[StoredLetter]:
    """Return the oldest letter of each message: one that was replayed and refused again has several."""
    found: dict[str, StoredLetter] = {}
    for letter in letters:
        found.setdefault(letter.message, letter)
    return list(found.values())


async def _send(settings: Settings, letters: Sequence[StoredLetter]) -> None:
    if not letters:
        return
    kafka = KafkaAccess.of(settings)
    producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for letter in letters:
            theirs = [header for header in letter.headers if header[0] not in OUR_HEADERS]
            again = (REPLAYED_HEADER, letter.origin.encode())
            await producer.send_and_wait(letter.source, letter.value, key=letter.key, headers=[*theirs, again])
    except KafkaError as error:
        raise Failure(describe_error(kafka, error, "not all messages could be sent again")) from error
    finally:
        await producer.stop()
