"""What settings are made of: kinds of values, their rows in the reference, and how they are read.

A group of settings is a frozen dataclass whose fields carry their rows; a field may be a group of its own. What cannot
be accepted is refused in one line. A secret stands in no line and no `repr`, whatever is wrong with it.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, fields
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

MAX_PORT = 65535
_MAX_TENANT_BYTES = 255  # bytes; the limit of every id: docs/rules/identity.md#ids
FOREVER = -1
HIDDEN: Final = "***"

G = TypeVar("G")


class SettingError(ValueError):
    """A variable has a value that cannot be used; the text names the variable, the value and what is allowed."""

    def __init__(self, variable: str, value: str, allowed: str) -> None:
        super().__init__(f"{variable}={_without_password(value)!r} is not allowed: give {allowed}")


class UnknownSettingError(SettingError):
    """A variable starts with `ATP_` and is none of ours: a misspelt one would be a default in disguise."""

    def __init__(self, variable: str, nearest: str | None) -> None:
        ValueError.__init__(self, f"{variable} is not a setting{f'; did you mean {nearest}?' if nearest else ''}")


class HalfSetError(SettingError):
    """Settings say half of what is needed, and the rest would be a default in disguise; the text says what to do."""

    def __init__(self, text: str) -> None:
        ValueError.__init__(self, text)


def _without_password(value: str) -> str:
    """Return a value without what may be the password of an address, well-formed or not."""
    return re.sub("[^/]*@", f"{HIDDEN}@", value) if "@" in value else value


class Kind(NamedTuple):
    """What a setting accepts: a parser that raises ValueError for anything else, and its meaning in words."""

    parse: Callable[[str], Any]
    allowed: str


class Setting(NamedTuple):
    """One row of the table in docs/reference.md: a variable, what it is when unset, what it accepts, what it means."""

    variable: str
    default: str
    kind: Kind
    doc: str
    secret: bool = False

    @property
    def file_variable(self) -> str:
        """The variable that names a file with the value, so that a secret need not stand in the environment."""
        return f"{self.variable}_FILE"


def matching(pattern: str) -> Callable[[str], str]:
    """Return a parser of what a pattern matches as a whole."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return parse


def _tenant(text: str) -> str:
    if len(text.encode()) > _MAX_TENANT_BYTES or not text.isprintable():
        raise ValueError(text)
    return text


def _brokers(text: str) -> tuple[str, ...]:
    addresses = []
    for part in re.split("[,;]", text):
        host, separator, port = part.strip().removeprefix("kafka://").rpartition(":")
        if not separator:
            host, port = port, "9092"
        if not re.fullmatch(r"[\w.-]+|\[[0-9a-fA-F:]+\]", host):
            raise ValueError(text)
        addresses.append(f"{host}:{whole(1, MAX_PORT).parse(port)}")
    return tuple(addresses)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(text)
    return text.rstrip("/")


def _directory(text: str) -> Path:
    if not text:
        raise ValueError(text)
    return Path(os.path.expanduser(text)).absolute()  # noqa: PTH111 - Path.expanduser raises where a user has no home


def whole(lowest: int, highest: int) -> Kind:
    """Return the kind of whole numbers between these two."""

    def parse(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(text)
        return int(text)

    return Kind(parse, f"{lowest} to {highest}")


def seconds(lowest: int, highest: int) -> Kind:
    """Return the kind of seconds between these two."""

    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or not lowest <= float(text) <= highest:
            raise ValueError(text)
        return float(text)

    return Kind(parse, f"{lowest} to {highest} seconds")


def _milliseconds(text: str) -> int:
    if text == "forever":
        return FOREVER
    found = re.fullmatch("([1-9][0-9]{0,4})([mhd])", text)
    if not found:
        raise ValueError(text)
    return int(found[1]) * {"m": 60_000, "h": 3_600_000, "d": 86_400_000}[found[2]]


TOPIC = Kind(matching("[a-zA-Z0-9._-]{1,200}"), "1 to 200 of a-z A-Z 0-9 . _ -")
PREFIX = Kind(matching("[a-zA-Z0-9._-]{0,100}"), "at most 100 of a-z A-Z 0-9 . _ -")
APP_ID = Kind(matching("[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}"), "1 to 100 of a-z A-Z 0-9 . _ -, a letter or digit first")
BROKERS = Kind(_brokers, "host:port, or several with commas between")
URL = Kind(_url, "an http:// or https:// address")
URL_OR_NOTHING = Kind(lambda text: _url(text) if text else "", "an http:// or https:// address, or nothing")
HOST = Kind(matching(r"[\w.:-]+"), "a host name or address")
DIRECTORY = Kind(_directory, "a directory")
TENANT = Kind(_tenant, f"at most {_MAX_TENANT_BYTES} bytes without control characters, or nothing")
DURATION = Kind(_milliseconds, "a number with m, h or d behind it (12h, 30d), or forever")
TEXT = Kind(matching(r"[^\x00-\x1f\x7f]*"), "text without control characters, or nothing")
SECRET = Kind(matching(r"[^\x00-\x1f\x7f]*"), f"{TEXT.allowed}; or the name of a file with it, as `..._FILE`")


def setting(variable: str, default: str, kind: Kind, doc: str, *, secret: bool = False) -> Any:
    """Return the field of a setting; a `secret` one may also come from a file, and has no place in a `repr`."""
    row = Setting(variable, default, kind, doc, secret)
    hidden = secret or kind in {URL, URL_OR_NOTHING}  # an address may have a password in it
    return field(default_factory=lambda: kind.parse(default), metadata={"setting": row}, repr=not hidden)


def choice(variable: str, default: StrEnum, doc: str) -> Any:
    """Return the field of a setting that is one of some words."""
    options = type(default)
    return setting(variable, default.value, Kind(options, " or ".join(options)), doc)


def rows(group: Any) -> Iterator[Setting]:
    """Yield the rows of a group, and of the groups in it, in reading order."""
    for _, member in _members(group):
        yield from [member] if isinstance(member, Setting) else rows(member)


def read(group: type[G], environment: Mapping[str, str]) -> G:
    """Return a group as the environment says.

    Raises:
        SettingError: a variable has a value that is not allowed, or names a file that cannot be read.
    """
    chosen: dict[str, Any] = {}
    for name, member in _members(group):
        if not isinstance(member, Setting):
            chosen[name] = read(member, environment)
        elif (text := _text(member, environment)) is not None:
            chosen[name] = _parsed(text, member)
    return group(**chosen)


def refuse_unknown(environment: Mapping[str, str], known: Iterable[Setting]) -> None:
    """Refuse a variable that looks like ours and is none.

    Raises:
        UnknownSettingError: there is one.
    """
    names = {name for row in known for name in (row.variable, row.file_variable) if row.secret or name == row.variable}
    for variable in environment:
        if variable.startswith("ATP_") and variable not in names:
            raise UnknownSettingError(variable, next(iter(get_close_matches(variable, names, n=1)), None))


def environment_of(group: Any) -> dict[str, str]:
    """Return the variables that say what a group says; those at their defaults are left out."""
    said: dict[str, str] = {}
    for name, member in _members(group):
        value = getattr(group, name)
        if not isinstance(member, Setting):
            said |= environment_of(value)
        elif value != member.kind.parse(member.default):
            said[member.variable] = ",".join(value) if isinstance(value, tuple) else str(value)
    return said


def _members(group: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name of each field of a group with its row, or with the type of the group that it is."""
    for one in fields(group):
        yield one.name, one.metadata.get("setting", one.type)


def _text(row: Setting, environment: Mapping[str, str]) -> str | None:
    """Return what the environment says of a setting, itself or in a file; None if nothing."""
    file = environment.get(row.file_variable) if row.secret else None
    if file is None:
        return environment.get(row.variable)
    if row.variable in environment:
        raise HalfSetError(f"{row.variable} and {row.file_variable} are both set: leave one of them out")
    try:
        return Path(file).read_text().strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingError(row.file_variable, file, f"a file that can be read ({why})") from None


def _parsed(text: str, row: Setting) -> object:
    try:
        return row.kind.parse(text)
    except ValueError:
        raise SettingError(row.variable, HIDDEN if row.secret else text, row.kind.allowed) from None
