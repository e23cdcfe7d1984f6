"""`atp policy`: the rules of the channels."""

import asyncio
from pathlib import Path

import click
import msgspec

from atp_stream.cli.frame import Failure, as_json, pass_settings, print_json
from atp_stream.domain.policy import PolicyError, parse
from atp_stream.provision import apply_policy, read_policy
from atp_stream.settings import Settings


@click.group()
def policy() -> None:
    """Show and replace the policy that decides who gets what.

    Example: atp policy apply policy.json
    """


@policy.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@pass_settings
def apply(settings: Settings, *, file: Path, as_json: bool) -> None:
    """Put FILE, a whole policy document, in force.

    It is checked here, and appended to every partition of the item log: each item meets it before its next command.

    Example: atp policy apply policy.json
    """
    document = file.read_bytes()
    try:
        parse(document)
    except PolicyError as error:
        raise Failure(f"{file} is not a policy: {error}") from error
    genesis = asyncio.run(apply_policy(settings, document))
    if as_json:
        print_json({"applied": str(file), "genesis": genesis})
    else:
        click.echo(f"applied {file}")


@policy.command()
@pass_settings
def show(settings: Settings) -> None:
    """Print the policy that was last put in force, as JSON.

    Example: atp policy show > policy.json
    """
    click.echo(msgspec.json.format(asyncio.run(read_policy(settings)), indent=2).decode())
