"""The callers that an operator has listed in a file: by the hash of a token, or by the name in a certificate."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from atp_stream.web.callers import Caller, Role
from atp_stream.web.watched_file import WatchedFile

_HASH: Final = re.compile("[0-9a-f]{64}")


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One caller; `sha256` is the hash of the token in hexadecimal, `certificate` a name in a client certificate."""

    name: str
    tenants: list[str]
    roles: list[Role]
    sha256: str = ""
    certificate: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    callers: list[_Entry]


class _Known(msgspec.Struct, frozen=True):
    by_hash: Mapping[str, Caller]
    by_certificate: Mapping[str, Caller]


def parse(text: bytes) -> _Known:
    """Return the callers of a file.

    Raises:
        ValueError: it is not as it must be; the text says what is wrong.
    """
    by_hash: dict[str, Caller] = {}
    by_certificate: dict[str, Caller] = {}
    for entry in msgspec.toml.decode(text, type=_File).callers:
        caller = Caller(entry.name, frozenset(entry.tenants), frozenset(entry.roles))
        if bool(entry.sha256) == bool(entry.certificate):
            raise ValueError(f"caller {entry.name!r} needs either sha256 or certificate")
        if entry.sha256 and not _HASH.fullmatch(entry.sha256):
            raise ValueError(f"caller {entry.name!r}: sha256 is not 64 hexadecimal digits in lower case")
        known, key = (by_hash, entry.sha256) if entry.sha256 else (by_certificate, entry.certificate)
        if key in known:
            raise ValueError(f"callers {known[key].name!r} and {entry.name!r} have the same token or certificate")
        known[key] = caller
    return _Known(by_hash, by_certificate)


class TokenFile:
    """The callers that a file lists now."""

    def __init__(self, path: Path) -> None:
        """Read it; raises OSError or ValueError if it cannot be used."""
        self._file = WatchedFile(path, parse)

    def by_token(self, token: str) -> Caller | None:
        """Return whose token this is."""
        digest = hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()
        return self._file.value().by_hash.get(digest)

    def by_certificate(self, names: Iterable[str]) -> Caller | None:
        """Return whom a certificate with these names belongs to."""
        known = self._file.value().by_certificate
        return next((known[name] for name in names if name in known), None)
