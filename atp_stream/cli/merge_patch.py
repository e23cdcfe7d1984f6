"""What a person writes to change a policy, as a JSON merge patch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from atp_stream.cli.group import Failure

_NULL = msgspec.Raw(b"null")


def patch_of(changes: Sequence[str]) -> msgspec.Raw:
    """Return the patch that `KEY=VALUE` words, one file, or `null` state; numbers keep every digit.

    Raises:
        click.UsageError: they state none.
        Failure: the file cannot be read, or is no JSON object.
    """
    if list(changes) == ["null"]:
        return _NULL
    if len(changes) == 1 and "=" not in changes[0]:
        return _from_file(Path(changes[0]))
    patch: dict[str, Any] = {}
    for change in changes:
        path, equals, value = change.partition("=")
        *sections, key = path.split(".")
        if not equals or "" in (*sections, key):
            raise click.UsageError(f"{change!r} is not KEY=VALUE")
        place = patch
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise click.UsageError(f"{change!r} conflicts with what another change sets")
        place[key] = _value(value)
    return msgspec.Raw(msgspec.json.encode(patch))


def within(section: str, name: str, patch: msgspec.Raw) -> msgspec.Raw:
    """Return the patch that applies `patch` to what stands under `name` in `section`."""
    return msgspec.Raw(msgspec.json.encode({section: {name: patch}}))


def _from_file(path: Path) -> msgspec.Raw:
    try:
        text = path.read_bytes()
        msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(f"{path} is not a JSON object: {error}") from error
    return msgspec.Raw(text.strip())


def _value(text: str) -> Any:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return text
    return msgspec.Raw(text.encode())
