"""The floor: the fastest Kafka client for Python and a dict; nothing of it survives a crash."""

import sys

import msgspec
from confluent_kafka import Consumer, Producer

from benchmarks.peers.model import Event, Shelf, allocation, availability

_MAX_MESSAGES = 5_000
_POLL_S = 0.2
_CONSUMER = {
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
    "queued.max.messages.kbytes": 65_536,
}
_PRODUCER = {
    "linger.ms": 50,
    "batch.size": 131_072,
    "queue.buffering.max.messages": 1_000_000,
    "partitioner": "murmur2_random",
}


def main(broker: str, run: str, topic: str, count: int) -> None:
    consumer = Consumer({"bootstrap.servers": broker, "group.id": run, **_CONSUMER})
    producer = Producer({"bootstrap.servers": broker, **_PRODUCER})
    consumer.subscribe([topic])
    decode = msgspec.json.Decoder(Event).decode
    shelves: dict[str, Shelf] = {}
    seen = 0
    while seen < count:
        messages = consumer.consume(_MAX_MESSAGES, _POLL_S)
        if messages and not seen:
            print("first", flush=True)
        for message in messages:
            event = decode(message.value() or b"")
            item = event.itemId
            shelf = shelves.get(item)
            if shelf is None:
                shelf = shelves[item] = Shelf()
            committed, changed = shelf.take(event)
            if committed:
                producer.produce(f"{run}.committed", allocation(event), item)
            if changed:
                producer.produce(f"{run}.available", availability(event, shelf), item)
        seen += len(messages)
        producer.poll(0)
    producer.flush()
    consumer.commit(asynchronous=False)
    consumer.close()
    print("done", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
