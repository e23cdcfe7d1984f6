"""The judges: the oracle over the topics, the tables in one piece, the workers' own databases, and the views."""

import asyncio
from dataclasses import fields

from atp_stream.settings import Settings
from atp_stream.topics import Topics
from chaos.oracle import Names, check, read
from chaos.oracle import Report as Verdict


def names(settings: Settings) -> Names:
    """Return the names of the topics, as the oracle wants them."""
    topics = Topics.of(settings)
    named = {f.name: getattr(topics, f.name).name for f in fields(Names) if f.name != "tenant"}
    return Names(tenant=settings.default_tenant, **named)


async def judge(settings: Settings) -> Verdict:
    """Read all that the topics hold, and let the oracle recount it."""
    history = await read(settings.bootstrap, names(settings), registry_url=settings.registry_url)
    return await asyncio.to_thread(check, history)
