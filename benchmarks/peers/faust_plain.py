"""Faust as its documentation shows it: an agent, a table on RocksDB, a send for each event. At least once."""

import sys
from typing import Any

import faust
import msgspec

from benchmarks.peers.model import Event, Shelf, allocation, availability

BROKER, RUN, TOPIC, COUNT, DIRECTORY = *sys.argv[1:4], int(sys.argv[4]), sys.argv[5]
PARTITIONS = 6

app = faust.App(
    RUN,
    broker=f"kafka://{BROKER}",
    store="rocksdb://",
    datadir=DIRECTORY,
    topic_partitions=PARTITIONS,
    topic_disable_leader=True,
    web_enabled=False,
    consumer_auto_offset_reset="earliest",
    stream_buffer_maxsize=8_192,
    producer_linger=0.05,
    producer_max_batch_size=131_072,
)
events = app.topic(TOPIC, key_type=str, key_serializer="raw", value_serializer="raw")
committed = app.topic(f"{RUN}.committed", key_type=str, key_serializer="raw", value_serializer="raw")
available = app.topic(f"{RUN}.available", key_type=str, key_serializer="raw", value_serializer="raw")
shelves = app.Table("shelves", partitions=PARTITIONS, key_type=str)
decode = msgspec.json.Decoder(Event).decode
seen = 0


@app.agent(events)
async def ledger(stream: Any) -> None:
    global seen  # noqa: PLW0603 - a script's only state
    async for value in stream:
        if not seen:
            print("first", file=sys.__stdout__, flush=True)
        event = decode(value)
        known = shelves.get(event.itemId)
        shelf = Shelf() if known is None else msgspec.convert(known, Shelf)
        is_committed, changed = shelf.take(event)
        if is_committed:
            await committed.send(key=event.itemId, value=allocation(event))
        if changed:
            shelves[event.itemId] = msgspec.to_builtins(shelf)
            await available.send(key=event.itemId, value=availability(event, shelf))
        seen += 1
        if seen == COUNT:
            app.loop.create_task(finish())


async def finish() -> None:
    await app.producer.flush()
    await app.consumer.commit()
    print("done", file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    sys.argv = [sys.argv[0], "worker", "--without-web", "-l", "warn"]
    app.main()
