"""What all commands share: settings, errors as one line, and output for people or for programs."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from importlib import import_module
from typing import Any, cast

import click

from atp_stream.settings import SettingError, Settings
from atp_stream.visible import visible_terminals

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


class Modules(Mapping[str, click.Command]):
    """Commands by their names, each imported when it is asked for: all of them at once take a second.

    A command is what the module of its name has under that name; see `_ELSEWHERE` for others.
    """

    def __init__(self, **short_helps: str) -> None:
        """Take what is said of each command in the list of all; `_` in a name stands for `-`."""
        self.short_helps = {name.replace("_", "-"): text for name, text in short_helps.items()}

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self.short_helps)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.short_helps)

    def __getitem__(self, name: str) -> click.Command:
        """Import a command."""
        if name not in self.short_helps:
            raise KeyError(name)
        attribute = name.replace("-", "_")
        module = import_module(f"atp_stream.cli.{_ELSEWHERE.get(attribute, attribute)}")
        command: click.Command = getattr(module, attribute)
        return command


_ELSEWHERE = {"item": "maintenance", "source": "maintenance"}


class Frame(click.Group):
    """The outermost group: turns our errors into one line and an exit code."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command that the words name; a terminal shows what is written to it, and obeys none of it."""
        with visible_terminals(sys.stdout, sys.stderr):
            return super().main(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except SettingError as error:
            raise Failure(str(error), exit_code=2) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if _is_one_line(error):
                raise Failure(str(error)) from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """List the commands in the order in which a newcomer needs them, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(cast(Modules, self.commands).short_helps.items()))


def _is_one_line(error: Exception) -> bool:
    """Whether the text of an error is all that there is to say; what raised it has imported these modules already."""
    from atp_stream.devstack import StackError
    from atp_stream.messages.errors import RegistryUnavailable
    from atp_stream.provision import ProvisionError

    return isinstance(error, (StackError, ProvisionError, RegistryUnavailable))


def print_json(value: object) -> None:
    """Print `value` as one JSON object on stdout."""
    click.echo(json.dumps(value))
