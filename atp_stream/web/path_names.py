"""Names in paths and bodies, and sizes of pages: what cannot be is refused before anything is looked up."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from aiohttp import web

from atp_stream.messages.inbound import MAX_ID_BYTES
from atp_stream.web.problems import Problem

MAX_PAGE: Final = 500

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def checked(name: str, what: str) -> str:
    """Return a name that a message could state: 1 to 255 bytes of UTF-8 without control characters.

    Raises:
        Problem: 400, it is another.
    """
    length = len(name.encode())
    if not length:
        raise Problem.refused("bad-name", f"{what} is empty")
    if length > MAX_ID_BYTES:
        raise Problem.refused("bad-name", f"{what} has {length} bytes; {MAX_ID_BYTES} are allowed")
    if _CONTROL.search(name):
        raise Problem.refused("bad-name", f"{what} has a control character")
    return name


def known_parameters(request: web.Request, *known: str) -> None:
    """Raise Problem, 400, for a parameter that the view does not have."""
    unknown = set(request.query) - {*known}
    if unknown:
        raise Problem.refused("bad-query", f"no such parameter: {min(unknown)[:100]!r}")


def behind(request: web.Request, parameter: str) -> str:
    """Return the name behind which a page begins, "" for the first page.

    Raises:
        Problem: 400, it is no name.
    """
    name = request.query.get(parameter)
    return "" if name is None else checked(name, parameter)


def page_size(request: web.Request, otherwise: int) -> int:
    """Return the `limit` that is asked for, or the one that holds otherwise.

    Raises:
        Problem: 400, it is no number from 1 to 500.
    """
    return whole_number(request, "limit", otherwise, MAX_PAGE)


def whole_number(request: web.Request, parameter: str, otherwise: int, most: int) -> int:
    """Return the number that a parameter asks for, or the one that holds otherwise.

    Raises:
        Problem: 400, it is no number from 1 to `most`.
    """
    asked = request.query.get(parameter, str(otherwise))
    digits = len(str(most))
    if not (asked.isascii() and asked.isdigit() and len(asked) <= digits and 1 <= int(asked) <= most):
        raise Problem.refused("bad-query", f"{parameter} is a number from 1 to {most}")
    return int(asked)


def from_path(request: web.Request, *wanted: str) -> list[str]:
    """Return the names in the path behind its first part; `wanted` says what each of them is.

    The path is read as it was sent: a router that decodes it would take `%FF` for the three letters, and `a%2Fb`
    for two names.

    Raises:
        Problem: 400, one of them is no name.
    """
    parts = request.rel_url.raw_path.split("/")[2:]
    found = []
    for part, what in zip(parts, wanted, strict=False):
        try:
            name = unquote_to_bytes(part).decode()
        except UnicodeError:
            raise Problem.refused("bad-name", f"{what} is not UTF-8") from None
        found.append(checked(name, what))
    return found
