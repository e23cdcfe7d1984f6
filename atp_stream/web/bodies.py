"""Bodies of requests, and how many questions are worked at at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from aiohttp import web

from atp_stream.web.problems import RETRY_AFTER, Problem

BODY_S: Final = 10.0
"""So long a body may take; aiohttp itself bounds its size (1 MiB)."""

WAIT_S: Final = 1.0
"""So long a question waits for its turn."""


async def read_body(request: web.Request) -> bytes:
    """Return the body of a request.

    Raises:
        Problem: 408, it takes too long.
    """
    try:
        async with asyncio.timeout(BODY_S):
            return await request.read()
    except TimeoutError:
        raise Problem(
            HTTPStatus.REQUEST_TIMEOUT,
            "body-too-slow",
            f"the body takes more than {BODY_S:.0f} s",
            headers={"Connection": "close"},
        ) from None


class Turns:
    """Lets so many questions be worked at at once."""

    def __init__(self, most: int, passed_on: int) -> None:
        """Take how many from callers, and how many from other workers: theirs must not wait for one another."""
        self._most = most
        self._own = asyncio.Semaphore(most)
        self._passed_on = asyncio.Semaphore(passed_on)

    @asynccontextmanager
    async def turn(self, *, passed_on: bool) -> AsyncIterator[None]:
        """Wait for a turn, and give it back.

        Raises:
            Problem: 429, it does not come.
        """
        free = self._passed_on if passed_on else self._own
        async with taken(free, f"{self._most} queries are being answered"):
            yield


@asynccontextmanager
async def taken(free: asyncio.Semaphore, why_not: str) -> AsyncIterator[None]:
    """Take one of a few places, and give it back.

    Raises:
        Problem: 429, none comes free in time; `why_not` says what is going on.
    """
    try:
        async with asyncio.timeout(WAIT_S):
            await free.acquire()
    except TimeoutError:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too-many-queries",
            f"{why_not}: ask again",
            headers={"Retry-After": str(RETRY_AFTER)},
        ) from None
    try:
        yield
    finally:
        free.release()


TURNS: Final[web.AppKey[Turns]] = web.AppKey("turns", Turns)
"""Where the web application keeps them."""
