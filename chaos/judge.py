"""The judges: the oracle over the topics, a fold in one piece, the views, and the workers' own databases."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import rocksdict

from atp_stream.access import KafkaAccess, RegistryAccess
from atp_stream.engine.tables import OFFSET_KEY
from atp_stream.oracle import History, Names, Record, cut, read
from atp_stream.oracle.checks import EVENTS
from atp_stream.oracle.outputs import Event, read_event
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from chaos.fleet import Worker


def names(settings: Settings) -> Names:
    """Return the names of the topics, as the oracle wants them."""
    topics = Topics.of(settings)
    named = {f.name: getattr(topics, f.name).name for f in fields(Names) if f.name != "tenant"}
    return Names(tenant=settings.default_tenant, **named)


async def history(settings: Settings) -> History:
    """Read what the topics hold, up to the place of the log that the tables name."""
    return cut(await topics(settings))


async def topics(settings: Settings) -> History:
    """Read all that the topics hold now; they are read one after the other."""
    with RegistryAccess.of(settings).client() as registry:
        return await read(KafkaAccess.of(settings), names(settings), registry=registry)


class View(NamedTuple):
    """What a worker answered when it was asked for an item."""

    tenant: str
    item: str
    status: int
    body: dict[str, Any] | None


def looked(past: History, worker: Worker) -> list[View]:
    """Return what a worker shows of every item that has events, whether it owns the item or passes the question on."""
    events = (_event(past, record) for record in past.of(past.names.availability_calculated))
    items = sorted({(event.tenant, event.item) for event in events})
    return [View(*name, *worker.get("/atp/" + "/".join(quote(part, safe="") for part in name))) for name in items]


def views(past: History, looked_at: list[View]) -> Iterator[str]:
    """Yield each view that differs from what was published up to the version that it shows.

    `past` was read after the views: whatever they show has been published by then.
    """
    published: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for record in past.of(past.names.availability_calculated):
        event = _event(past, record)
        published[event.tenant, event.item].append(event)
    for tenant, item, status, body in looked_at:
        shown = {} if body is None else {row["channel"]: _pair(row) for row in body["channels"]}
        upto = -1 if body is None else body["version"]
        newest = {
            event.payload["channel"]: (event.units("available"), event.units("reserved"))
            for event in published[tenant, item]
            if event.version <= upto
        }
        wanted = {channel: pair for channel, pair in newest.items() if pair != (0, 0) or channel in shown}
        if status != 200 or shown != wanted:
            yield f"the view of {tenant} {item} is {status} {shown}, but {wanted} was published up to version {upto}"


def _event(past: History, record: Record) -> Event:
    return read_event(record, EVENTS["availability_calculated"], past.schemas)


def _pair(row: dict[str, Any]) -> tuple[int, int]:
    return round(row["available"] * 100), round(row["reserved"] * 100)


def databases(past: History, workers: list[Worker]) -> Iterator[str]:
    """Yield how the databases of ended workers differ from the changelog, up to the offset that they name."""
    for worker in workers:
        for path in sorted(worker.data.rglob("*.db")):
            yield from _database(past, worker.name, path)


def _database(past: History, worker: str, path: Path) -> Iterator[str]:
    partition = int(path.stem.rpartition("-")[2])
    try:
        database = rocksdict.Rdict(
            str(path), rocksdict.Options(raw_mode=True), access_type=rocksdict.AccessType.read_only()
        )
        held = dict(database.items())
        database.close()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a file
        yield f"{worker} cannot open {path.name}: {error}"
        return
    upto = int(held.pop(OFFSET_KEY, b"-1"))
    wanted: dict[Any, bytes] = {}
    for record in past.of(*past.names.tables):
        if record.partition == partition and record.offset <= upto:
            if record.value is None:
                wanted.pop(record.key, None)
            else:
                wanted[record.key] = record.value
    wrong = [key for key in wanted.keys() | held.keys() if wanted.get(key) != held.get(key)]
    if wrong:
        yield f"{worker} {path.name} at {upto}: {len(wrong)} rows differ from the changelog, {wrong[:3]}"
