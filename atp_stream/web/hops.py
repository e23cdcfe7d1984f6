"""What workers show each other: a question that is passed on names who asked it, signed with a secret they share.

The caller's own token stays where it was shown: whoever joins the group may name any address as his, and would get it.
What is signed is one question to one worker, so it is of no use for another.
"""

import hashlib
import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from yarl import URL

from atp_stream.web.callers import Caller, Role
from atp_stream.web.watched_file import WatchedFile

HEADER: Final = "X-Atp-Caller"

VALID_S: Final = 3 * 3_600
"""So long a signature counts: workers' clocks may be wrong by two hours."""

MIN_SECRET_BYTES: Final = 32


class _Claim(msgspec.Struct, frozen=True, array_like=True):
    name: str
    tenants: list[str]
    roles: list[Role]
    to: str
    at: int


def read_secrets(text: bytes) -> list[bytes]:
    """Return the secrets of a file, one a line; raises ValueError if one is too short to be one, or there is none."""
    found = [line.strip() for line in text.splitlines() if line.strip()]
    if not found:
        raise ValueError("it is empty")
    if any(len(one) < MIN_SECRET_BYTES for one in found):
        raise ValueError(f"a secret has fewer than {MIN_SECRET_BYTES} characters")
    return found


class Hops:
    """Signs questions to other workers, and recognises theirs; `own` is the address under which they ask this one."""

    def __init__(self, secrets: Path, own: URL, clock: Callable[[], float] = time.time) -> None:
        """Read the secrets; raises OSError or ValueError if they cannot be used."""
        self._secrets = WatchedFile(secrets, read_secrets)
        self._own = str(own.origin())
        self._clock = clock

    def sign(self, caller: Caller, to: URL, method: str, path: str, body: bytes) -> str:
        """Return the value of the header for one question; `path` is as it stands in the URL."""
        claim = _Claim(caller.name, sorted(caller.tenants), sorted(caller.roles), str(to.origin()), int(self._clock()))
        said = urlsafe_b64encode(msgspec.json.encode(claim))
        return f"{said.decode()}.{_mac(self._secrets.value()[0], said, method, path, body)}"

    def caller(self, header: str, method: str, path: str, body: bytes) -> Caller | None:
        """Return who asked the worker that passed a question on, None if no worker of ours did."""
        said, _, signature = header.partition(".")
        if not header.isascii():
            return None
        macs = [_mac(one, said.encode(), method, path, body) for one in self._secrets.value()]
        if not any(hmac.compare_digest(mac, signature) for mac in macs):
            return None
        claim = msgspec.json.decode(urlsafe_b64decode(said), type=_Claim)
        if claim.to != self._own or abs(self._clock() - claim.at) > VALID_S:
            return None
        return Caller(claim.name, frozenset(claim.tenants), frozenset(claim.roles))


def _mac(secret: bytes, said: bytes, method: str, path: str, body: bytes) -> str:
    parts = (said, method.encode(), path.encode(), hashlib.sha256(body).digest())
    return hmac.new(secret, b"\n".join(parts), hashlib.sha256).hexdigest()
