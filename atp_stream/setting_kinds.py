"""What a setting accepts: the parts that the fields of settings are made of."""

import os
import re
from collections.abc import Callable
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

MAX_PORT = 65535


class SettingError(ValueError):
    """A variable has a value that cannot be used; the text names the variable, the value and what is allowed."""

    def __init__(self, variable: str, value: str, allowed: str) -> None:
        super().__init__(f"{variable}={value!r} is not allowed: give {allowed}")
        self.variable = variable
        self.value = value
        self.allowed = allowed


class Kind(NamedTuple):
    """What a setting accepts: a parser that raises ValueError for anything else, and its meaning in words."""

    parse: Callable[[str], Any]
    allowed: str
    secret: bool = False  # no message may show the value


class Setting(NamedTuple):
    """One row of the table in docs/reference.md: a variable, what it is when unset, what it accepts, what it means."""

    variable: str
    default: str
    kind: Kind
    doc: str


def matching(pattern: str) -> Callable[[str], str]:
    """Return a parser of text that matches the whole pattern."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return parse


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(text)
    return text.rstrip("/")


def _path(text: str) -> Path:
    if not text:
        raise ValueError(text)
    return Path(os.path.expanduser(text)).absolute()  # noqa: PTH111 - Path.expanduser raises where a user has no home


def whole(lowest: int, highest: int) -> Kind:
    """Return the kind of whole numbers between two others, both included."""

    def parse(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(text)
        return int(text)

    return Kind(parse, f"{lowest} to {highest}")


def seconds(lowest: int, highest: int) -> Kind:
    """Return the kind of durations in seconds, with at most three decimals."""

    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or not lowest <= float(text) <= highest:
            raise ValueError(text)
        return float(text)

    return Kind(parse, f"{lowest} to {highest} seconds")


URL = Kind(_url, "an http:// or https:// address")
URL_OR_NOTHING = Kind(lambda text: _url(text) if text else "", "an http:// or https:// address, or nothing")
DIRECTORY = Kind(_path, "a directory")
FILE_OR_NOTHING = Kind(lambda text: _path(text) if text else None, "a file, or nothing")


def setting(variable: str, default: str, kind: Kind, doc: str) -> Any:
    """Return a field of settings that a variable sets."""
    row = Setting(variable, default, kind, doc)
    return field(default_factory=lambda: kind.parse(default), metadata={"setting": row}, repr=not kind.secret)


def choice(variable: str, default: StrEnum, doc: str) -> Any:
    """Return a field of settings that is one of a few words."""
    options = type(default)
    return setting(variable, default.value, Kind(options, " or ".join(options)), doc)


def read(text: str, row: Setting) -> Any:
    """Return what a variable's text says.

    Raises:
        SettingError: it is not allowed.
    """
    try:
        return row.kind.parse(text)
    except ValueError:
        raise SettingError(row.variable, "***" if row.kind.secret else text, row.kind.allowed) from None
