"""OAUTHBEARER tokens: from a file that something else keeps fresh, or from an endpoint for client credentials."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Final

import httpx
from aiokafka.abc import AbstractTokenProvider

from atp_stream.access.tls import client_context
from atp_stream.settings import KafkaSecurity

_RENEWAL_SHARE: Final = 0.8  # of its life, after which a token is asked for anew
_ANSWER_S: Final = 10.0
_LIFE_S: Final = 60.0  # of a token that does not say how long it lives


class NoTokenError(OSError):
    """There is no token; the text says why and what to do."""


class Tokens(AbstractTokenProvider):  # type: ignore[misc] # aiokafka has no types
    """Gives a token to each new connection, in whatever thread and event loop it is made."""

    def __init__(self, security: KafkaSecurity) -> None:
        https = security.oauth_endpoint_url.startswith("https:")
        self._verify = client_context("ATP_KAFKA_HTTPS", ca=security.https_ca_location) if https else True
        self._security = security
        self._lock = threading.Lock()
        self._token = ""
        self._stale_at = 0.0

    async def token(self) -> str:
        """Return a token that is good for a while.

        Raises:
            NoTokenError: there is none.
        """
        return await asyncio.to_thread(self._read if self._security.oauth_token_file else self._fresh)

    def _read(self) -> str:
        file = self._security.oauth_token_file
        try:
            return Path(file).read_text().strip()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise NoTokenError(
                f"the token file {file} cannot be read ({why}): correct ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_FILE"
            ) from None

    def _fresh(self) -> str:
        with self._lock:
            if time.monotonic() >= self._stale_at:
                self._token, life_s = self._asked()
                self._stale_at = time.monotonic() + _RENEWAL_SHARE * life_s
            return self._token

    def _asked(self) -> tuple[str, float]:
        """Ask the endpoint for a token, and return it with the seconds for which it holds."""
        security = self._security
        scope = {"scope": security.oauth_scope} if security.oauth_scope else {}
        url = security.oauth_endpoint_url
        try:
            answer = httpx.post(
                url,
                data={"grant_type": "client_credentials", **scope},
                auth=(security.oauth_client_id, security.oauth_client_secret),
                timeout=_ANSWER_S,
                verify=self._verify,
            )
        except httpx.HTTPError as error:
            raise _refused(str(error)[:200] or "it took too long") from None
        try:
            said = answer.json() if answer.is_success else {}
            return str(said["access_token"]), float(said.get("expires_in", _LIFE_S))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _refused(f"it answers {answer.status_code}, and no token") from None


def _refused(why: str) -> NoTokenError:
    return NoTokenError(
        f"the token endpoint gives no token ({why}): correct ATP_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL,"
        " ..._CLIENT_ID and ..._CLIENT_SECRET"
    )
