"""Feeds of events: who is given what, in which order, and what is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest

from atp_stream.records import Output
from atp_stream.web import feed
from atp_stream.web.feed import Feeds, Reader, Wanted


def output(key: str, event: str = "AllocationCommittedEvent", value: bytes = b"{}") -> Output:
    return Output("t", 0, key.encode(), value, [], event)


async def shown(output: Output) -> bytes:
    return (output.value or b"") + b"\n\n"


class Room:
    """Feeds, and readers that stay until the test ends."""

    def __init__(self) -> None:
        self.feeds = Feeds(shown)
        self.stays = ExitStack()

    def read(self, tenant: str = "acme", item: str = "", event: str = "") -> Reader:
        reader = Reader()
        self.stays.enter_context(self.feeds.read(reader, Wanted(tenant, item, event)))
        return reader


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    made = Room()
    with made.stays:
        yield made


async def taken(*readers: Reader) -> list[bytes]:
    """Return what each of these readers is sent first."""
    async with asyncio.timeout(5):
        await asyncio.gather(*(reader.wake.wait() for reader in readers))
    return [reader.take() for reader in readers]


async def test_a_reader_is_given_his_tenant_his_item_and_his_type_alone(room):
    availability = "AvailabilityCalculatedEvent"
    readers = [
        room.read("acme", "a|b", availability), room.read("acme", "a|b"), room.read("acme", "", availability),
        room.read("acme2"),
    ]  # fmt: skip
    room.feeds.put(
        [
            output("acme|a%7Cb|ECOM", availability, b"1"),
            output("acme|a%7Cb", availability, b"2"),
            output("acme|a%7Cbc|ECOM", availability, b"3"),
            output("acme|a%7Cb", value=b"4"),
            output("acme2|a%7Cb", value=b"5"),
            output("acme|a%7Cb", "", b"6"),
        ]
    )
    found = await taken(*readers)
    assert [[b"1", b"2"], [b"1", b"2", b"4"], [b"1", b"2", b"3"], [b"5"]] == [one.split() for one in found]


async def test_of_availability_the_newest_of_a_key_waits_and_nothing_counts_as_lost(room):
    reader = room.read()
    for number in range(1_000):
        room.feeds.put([output("acme|lamp|ECOM", "AvailabilityCalculatedEvent", b"%d" % number)])
    assert [b"999\n\n"] == await taken(reader)


async def test_of_more_than_may_wait_the_oldest_are_lost_and_each_reader_is_told_how_many(room):
    readers = [room.read(), room.read()]
    room.feeds.put([output("acme|lamp", value=b"%d" % number) for number in range(feed.MAX_WAITING + 7)])
    lost = b'event: lost\ndata: {"lost":7}\n\n'
    first = b"".join(b"%d\n\n" % number for number in range(7, 7 + feed.AT_ONCE))
    assert [lost + first, lost + first] == await taken(*readers)
    (following,) = await taken(readers[0])
    assert following.startswith(b"%d\n\n" % (7 + feed.AT_ONCE))


async def test_the_newest_availability_is_not_lost_in_place_of_older_events(room):
    reader, availability = room.read(), "AvailabilityCalculatedEvent"
    room.feeds.put([output("acme|lamp|ECOM", availability, b"old")])
    room.feeds.put([output("acme|lamp", value=b"%d" % number) for number in range(feed.MAX_WAITING - 1)])
    room.feeds.put([output("acme|lamp|ECOM", availability, b"newest"), output("acme|lamp", value=b"last")])
    found = b""
    while not found.endswith(b"last\n\n"):
        found += (await taken(reader))[0]
    assert found.startswith(b'event: lost\ndata: {"lost":1}\n\n1\n\n')
    assert found.endswith(b"newest\n\nlast\n\n")


async def test_who_joins_is_not_told_of_what_was_lost_before(room):
    first = room.read()
    room.feeds.put([output("acme|lamp", value=b"%d" % number) for number in range(feed.MAX_WAITING + 7)])
    second = room.read()
    of_first, of_second = await taken(first, second)
    assert of_first.startswith(b'event: lost\ndata: {"lost":7}\n\n7\n\n')
    assert of_second.startswith(b"7\n\n")


def test_a_reader_whose_connection_is_too_slow_loses_the_oldest_and_is_told_how_many():
    reader = Reader()
    for number in range(feed.MAX_UNSENT + 7):
        reader.give([b"%d." % number], 0)
    said = reader.take()
    assert said.startswith(b'event: lost\ndata: {"lost":7}\n\n7.8.')
    assert b"" == reader.take()


async def test_a_feed_that_nobody_reads_any_more_keeps_nothing(room):
    other = room.read("acme2")
    with room.feeds.read(Reader(), Wanted("acme", "lamp", "")):
        room.feeds.put([output("acme|lamp", value=b"old")] * 100)
    room.feeds.put([output("acme2|lamp", value=b"x")])
    assert [b"x\n\n"] == await taken(other)
    again = room.read("acme", "lamp")
    room.feeds.put([output("acme|lamp", value=b"new")])
    assert [b"new\n\n"] == await taken(again)


def test_what_another_worker_has_lost_is_passed_on():
    reader = Reader()
    reader.receive(b'event: lost\ndata: {"lost":3}')
    reader.receive(b'event: lost\ndata: {"lost":null}')
    reader.receive(b": a sign of life")
    assert b'event: lost\ndata: {"lost":null}\n\nevent: lost\ndata: {"lost":3}\n\n' == reader.take()
    reader.receive(b'data: {"eventType":"x"}')
    assert b'data: {"eventType":"x"}\n\n' == reader.take()
