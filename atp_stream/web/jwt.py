"""JSON Web Tokens of an identity provider: signature, issuer, audience and time must hold, claims say the rest."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import jwt
import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from atp_stream.engine.repetitions import REPEAT_S, Repetitions
from atp_stream.web.callers import Caller, roles_of
from atp_stream.web.watched_file import WatchedFile

log = logging.getLogger(__name__)

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""No secret that verifier and signer share: whoever could check a token could make one."""

LEEWAY_S: Final = 60
KEYS_TIMEOUT_S: Final = 5.0
MAX_KEYS_BYTES: Final = 1_048_576
KEYS_KEPT_S: Final = 600.0
ASK_AGAIN_S: Final = 10.0  # a key that is unknown may be new, but whoever makes keys up must not have us ask each time

Keys = Callable[[str], Awaitable[jwt.PyJWKSet]]
"""Returns the provider's keys; takes the id of the one that is wanted."""


class TokenRefused(Exception):
    """A token that does not count; `str(error)` says why, and nothing of the token."""


class KeysUnavailable(Exception):
    """The provider's keys are not known, so that no token can be judged now."""


class Claims(NamedTuple):
    """What a token must say, and where it says the rest."""

    issuer: str
    audience: str
    tenants: str
    roles: str


def read_keys(text: bytes) -> jwt.PyJWKSet:
    """Return the keys of a JSON Web Key Set; raises ValueError if there are none."""
    try:
        return jwt.PyJWKSet.from_dict(msgspec.json.decode(text, type=dict[str, Any]))
    except (msgspec.DecodeError, jwt.PyJWTError, RecursionError, TypeError, AttributeError) as error:
        raise ValueError(f"no JSON Web Key Set: {error}") from error


class KeyFile:
    """Keys that stand in a file."""

    def __init__(self, path: Path) -> None:
        """Read it; raises OSError or ValueError if it cannot be used."""
        self._file = WatchedFile(path, read_keys)

    async def __call__(self, _kid: str) -> jwt.PyJWKSet:
        """Return what the file says now."""
        return self._file.value()


class KeyAddress:
    """Keys that the provider publishes at an address: asked for when needed, kept for a while."""

    def __init__(
        self, url: str, session: Callable[[], ClientSession], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._session = session
        self._clock = clock
        self._keys: jwt.PyJWKSet | None = None
        self._asked_at = float("-inf")
        self._lock = asyncio.Lock()
        self._faults = Repetitions(REPEAT_S)

    async def __call__(self, kid: str) -> jwt.PyJWKSet:
        """Return the keys, asked for anew if they are old or lack this one.

        Raises:
            KeysUnavailable: the provider has never answered.
        """
        async with self._lock:
            age = self._clock() - self._asked_at
            if age > KEYS_KEPT_S or (age > ASK_AGAIN_S and not _has(self._keys, kid)):
                self._asked_at = self._clock()
                await self._ask()
        if self._keys is None:
            raise KeysUnavailable
        return self._keys

    async def _ask(self) -> None:
        try:
            timeout = ClientTimeout(total=KEYS_TIMEOUT_S)
            async with self._session().get(self._url, timeout=timeout, allow_redirects=False) as answer:
                answer.raise_for_status()
                text = await answer.content.read(MAX_KEYS_BYTES + 1)
                while len(text) <= MAX_KEYS_BYTES and (more := await answer.content.read(MAX_KEYS_BYTES)):
                    text += more
            self._keys = read_keys(text[: MAX_KEYS_BYTES + 1])
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            if self._faults.passed_over(self._url, self._clock()) is not None:
                about = {"event": "keys_unavailable", "url": self._url}
                log.error("the keys at %s cannot be read: %s", self._url, str(error) or repr(error), extra=about)  # noqa: TRY400


def _has(keys: jwt.PyJWKSet | None, kid: str) -> bool:
    return keys is not None and any(key.key_id == kid for key in keys.keys)


class JwtVerifier:
    """Says whose token one is."""

    def __init__(self, claims: Claims, keys: Keys) -> None:
        self._claims = claims
        self._keys = keys

    async def caller(self, token: str) -> Caller:
        """Return whose token this is.

        Raises:
            TokenRefused: it does not count.
            KeysUnavailable: nobody can say.
        """
        try:
            kid = str(jwt.get_unverified_header(token).get("kid", ""))
            key = _chosen(await self._keys(kid), kid)
            said = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                issuer=self._claims.issuer,
                audience=self._claims.audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenRefused(str(error).partition("\n")[0][:200]) from error
        return Caller(
            str(said["sub"])[:200],
            frozenset(_words(said, self._claims.tenants)),
            roles_of(_words(said, self._claims.roles)),
        )


def _chosen(keys: jwt.PyJWKSet, kid: str) -> jwt.PyJWK:
    fitting = [key for key in keys.keys if key.key_id == kid] if kid else list(keys.keys)
    if len(fitting) != 1:
        raise TokenRefused("it is signed with a key that is not known")
    return fitting[0]


def _words(said: Mapping[str, Any], claim: str) -> list[str]:
    """Return what a claim names: a list, or one text with spaces between, as `scope` has it."""
    found = said.get(claim, [])
    words = found.split() if isinstance(found, str) else found
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []
