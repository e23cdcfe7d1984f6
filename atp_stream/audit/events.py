"""The events that the fold gives, against those that a reader of committed records finds in the output topics.

Allocation events and denials: each once, by event id. Availability is a conflation, steps decide of what: of each
key only the last one counts. What later commands caused is left alone, and so is what was caused before the start.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import ConsumerRecord

from atp_stream.audit.reading import Reader
from atp_stream.engine.scratch_store import Scratch
from atp_stream.messages.outbound import CAUSE_HEADER
from atp_stream.messages.output_reader import OutputReader
from atp_stream.records import Output
from atp_stream.topics import Topic, Topics

#: So many differences of a kind are shown for each partition; all are counted.
MAX_SHOWN: Final = 20

_WANTED: Final = b"w"  # once
_MAY_BE: Final = b"m"  # will be published, or was just now
_SEEN: Final = b"s"


class Happened(msgspec.Struct, frozen=True):
    """An event, as its JSON envelope says."""

    eventType: str  # noqa: N815 - the wire's own name
    eventId: str  # noqa: N815
    timestamp: int
    tenantId: str  # noqa: N815
    payload: dict[str, Any]


read_event: Final = msgspec.json.Decoder(Happened).decode


def _shown(event: Happened) -> bytes:
    """Return what availability, or availability by day, says last of a key."""
    first, second = ("now", "steps") if "steps" in event.payload else ("available", "reserved")
    return msgspec.json.encode((event.payload[first], event.payload[second]))


class Wrong:
    """What is wrong, in words: the first of them, and how many there are."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.count = 0

    def add(self, words: str) -> None:
        """Note one more."""
        self.count += 1
        if self.count <= MAX_SHOWN:
            self.shown.append(words)


class Stretch(NamedTuple):
    """What of the log is looked at: causes behind `after`, up to `until`."""

    partition: int
    after: int
    until: int


class Events:
    """What one log partition should have said, and what was found."""

    def __init__(self, topics: Topics, stretch: Stretch, rows: Scratch) -> None:
        self._last = (topics.availability_calculated, topics.availability_projected)
        self._once = tuple(topic for topic in topics.outputs if topic not in self._last)
        self._stretch = stretch
        self._rows = rows
        self._count = 0
        self.found = 0

    # Rows of the scratch: "e|topic|id" holds a flag and the place among the topic's events, "a|tag|key" what should be
    # shown last, "f|key" what was found last, "b|key" what was found before the start, "n|key" that more will be said.

    def expect(self, outputs: Iterable[Output]) -> None:
        """Note what the fold gives, in JSON."""
        self._rows.write(self._noted(outputs, _WANTED))

    def allow(self, outputs: Iterable[Output]) -> None:
        """Note what the running system has still to say, and may have said meanwhile."""
        self._rows.write(self._noted(outputs, _MAY_BE))

    def _noted(self, outputs: Iterable[Output], flag: bytes) -> Iterator[tuple[bytes, bytes]]:
        once = {topic.name for topic in self._once}
        for output in outputs:
            tag = self._tag(output.topic)
            if tag is not None:
                event = read_event(output.value or b"")
                yield (b"a|" if flag is _WANTED else b"n|") + tag + (output.key or b""), _shown(event)
            elif output.topic in once:
                self._count += 1
                event = read_event(output.value or b"")
                yield _event_key(output.topic, event.eventId), flag + self._count.to_bytes(8, "big")

    async def compare(
        self, reader: Reader, decode: OutputReader, mine: Callable[[bytes], bool], advance: Callable[[int], None]
    ) -> Wrong:
        """Read the topics, and return what is wrong with them; `mine` accepts the keys that are compared."""
        wrong = Wrong()
        for topic in self._once:
            await self._compare_once(topic, reader, decode, mine, advance, wrong)
        for topic in self._last:
            await self._find_shown(topic, reader, decode, mine, advance)
        for words in self._wrongly_shown():
            wrong.add(words)
        return wrong

    async def _compare_once(
        self, topic: Topic, reader: Reader, decode: OutputReader, mine: Callable[[bytes], bool],
        advance: Callable[[int], None], wrong: Wrong,
    ) -> None:  # fmt: skip
        first = b""
        begin, records = await self._records(topic, reader)
        async for batch in records:
            advance(len(batch))
            for record in batch:
                if not mine(record.key or b"") or self._later(record):
                    continue
                event = read_event(await decode.envelope(record.value))
                key = _event_key(topic.name, event.eventId)
                known = self._rows.read(key)
                place = f"{topic.name}/{record.partition}/{record.offset}"
                if known is None:
                    if not self._earlier(record):
                        wrong.add(f"{place}: event {event.eventId} does not follow from the log")
                elif known[:1] == _SEEN:
                    wrong.add(f"{place}: event {event.eventId} was published before")
                else:
                    self.found += 1
                    first = first or known[1:]
                    self._rows.write([(key, _SEEN + known[1:])])
        for event_id in self._missing(topic, first if begin else b""):
            wrong.add(f"{topic.name}: event {event_id} is missing")

    def _missing(self, topic: Topic, first: bytes) -> Iterator[str]:
        """Yield the events that are not there; those before `first` may be gone by retention."""
        prefix = _event_key(topic.name, "")
        for key, flag in _under(self._rows, prefix):
            if flag[:1] == _WANTED and flag[1:] >= first:
                yield key[len(prefix) :].decode()

    def _tag(self, topic: str) -> bytes | None:
        """Return what tells the keys of a topic that shows something from those of others; None of any other topic."""
        return next((b"%d|" % place for place, one in enumerate(self._last) if one.name == topic), None)

    async def _find_shown(
        self, topic: Topic, reader: Reader, decode: OutputReader, mine: Callable[[bytes], bool],
        advance: Callable[[int], None],
    ) -> None:  # fmt: skip
        _, records = await self._records(topic, reader)
        tag = self._tag(topic.name) or b""
        async for batch in records:
            advance(len(batch))
            for record in batch:
                key = record.key or b""
                if not mine(key):
                    continue
                key = tag + key
                if self._later(record):  # compaction may have taken the one that we look for
                    self._rows.write([(b"n|" + key, b"")])
                    continue
                event = read_event(await decode.envelope(record.value))
                earlier = self._earlier(record)
                self.found += not earlier
                self._rows.write([((b"b|" if earlier else b"f|") + key, _shown(event))])

    def _wrongly_shown(self) -> Iterator[str]:
        for key, wanted in _under(self._rows, b"a|"):
            if self._rows.read(b"n|" + key[2:]) is not None:
                continue
            found = self._rows.read(b"f|" + key[2:])
            if found is None:
                yield f"{self._place(key)} should show {_words(wanted)}, and shows nothing"
            elif msgspec.json.decode(found) != msgspec.json.decode(wanted):
                yield f"{self._place(key)} shows {_words(found)}, and should show {_words(wanted)}"
        for key, found in _under(self._rows, b"f|"):
            if self._unexplained(key[2:], found):
                yield f"{self._place(key)} shows {_words(found)}, which does not follow from the log"

    def _place(self, key: bytes) -> str:
        """Return the topic and the key that a row of the scratch is about."""
        _, tag, shown = key.split(b"|", 2)
        return f"{self._last[int(tag)].name}: {shown.decode()}"

    def _unexplained(self, key: bytes, found: bytes) -> bool:
        """Return whether what a key shows last follows from nothing."""
        if self._rows.read(b"a|" + key) is not None or self._rows.read(b"n|" + key) is not None:
            return False
        # It may have changed and changed back, which one step of ours does not see: then it is as before the start.
        before, shown = self._rows.read(b"b|" + key), msgspec.json.decode(found)
        if shown[1] == []:  # it had a date for a while
            return False
        return self._stretch.after < 0 or (before is not None and msgspec.json.decode(before) != shown)

    async def _records(self, topic: Topic, reader: Reader) -> tuple[int, Any]:
        partition = self._stretch.partition % topic.partitions
        begin = await reader.begin(topic.name, partition)
        end = await reader.decided_end(topic.name, partition)
        return begin, self._own(reader.stretch(topic.name, partition, begin, end))

    async def _own(self, batches: Any) -> Any:
        """Keep what this log partition caused; topics with fewer partitions hold that of several."""
        async for batch in batches:
            yield [record for record in batch if _cause(record)[0] in {None, self._stretch.partition}]

    def _later(self, record: ConsumerRecord) -> bool:
        return _cause(record)[1] > self._stretch.until

    def _earlier(self, record: ConsumerRecord) -> bool:
        partition, offset = _cause(record)
        return partition is not None and offset <= self._stretch.after


def _cause(record: ConsumerRecord) -> tuple[int | None, int]:
    """Return the partition and offset that a record names as its cause; a record that names none is no one's."""
    for name, value in record.headers:
        if name == CAUSE_HEADER:
            partition, _, offset = (value or b"").decode("ascii", "replace").partition("-")
            if partition.isdigit() and offset.isdigit():
                return int(partition), int(offset)
    return None, -1


def _event_key(topic: str, event_id: str) -> bytes:
    return f"e|{topic}|{event_id}".encode()


def _under(rows: Scratch, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    for key, row in rows.scan(prefix):
        if not key.startswith(prefix):
            return
        yield key, row


def _words(shown: bytes) -> str:
    first, second = msgspec.json.decode(shown)
    if isinstance(second, list):
        return f"{first} available now, and {len(second)} changes by day"
    return f"{first} available, {second} reserved"
