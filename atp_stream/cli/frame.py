"""What all commands share: settings, errors as one line, and output for people or for programs."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from atp_stream.devstack import StackError
from atp_stream.messages.errors import RegistryUnavailable
from atp_stream.provision import ProvisionError
from atp_stream.settings import SettingError, Settings

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


def pass_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the settings as its first argument, read when it runs: help needs no valid ones."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        return command(Settings.from_environment(), *arguments, **options)

    return run


class Failure(click.ClickException):
    """A command cannot do its work; the text is one line."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - click's signature
        """Print the line to stderr."""
        click.echo(f"atp: {self.format_message()}", err=True)


class Frame(click.Group):
    """The outermost group: turns our errors into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except SettingError as error:
            raise Failure(str(error), exit_code=2) from error
        except (StackError, ProvisionError, RegistryUnavailable) as error:
            raise Failure(str(error)) from error


def print_json(value: object) -> None:
    """Print `value` as one JSON object on stdout."""
    click.echo(json.dumps(value))
