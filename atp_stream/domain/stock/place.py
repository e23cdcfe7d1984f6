"""One location of an item while its stock is folded: its row, what of it is remembered, and its older entries.

Stock time runs in generations of one window. What came in the present generation or the one before is remembered: event
ids, and the stamps of facts. Of what came earlier only the greatest stamp is known: a fact stamped behind it is
certainly new, or known by its id. One at or in front of it can no longer be judged.
Source: docs/rules/stock.md#window, docs/rules/stock.md#generations.
"""

from binascii import b2a_base64
from hashlib import blake2b
from typing import Final

from atp_stream.domain.names import encode
from atp_stream.domain.row_keys import mark_key
from atp_stream.domain.stock import spans
from atp_stream.domain.stock.facts import NEVER, Fact, StockRules
from atp_stream.domain.stock.rows import Instant, Location, Mark
from atp_stream.domain.stock.series import MAX_TAIL, Chunks, Rows
from atp_stream.domain.stock.spans import Departures

MAX_IDS: Final = 40
"""So many event ids stand in the row of the location; each older one has a row of its own, a mark."""

_MARK_BYTES: Final = 12
_MARK_CHARS: Final = _MARK_BYTES // 3 * 4  # in base 64
_PRESENT: Final = 1
_BEFORE: Final = 2


class Place:
    """A location; `sums` are sums of deltas behind a stamp that are known already."""

    __slots__ = (
        "_departures", "_instants", "_name", "generation", "item", "key", "location", "row", "rows", "rules", "sums",
    )  # fmt: skip

    def __init__(
        self, rows: Rows, item: str, location: str, key: str, row: Location, rules: StockRules, generation: int
    ) -> None:
        """`item` is "tenant|item", as in keys; `key` is that of the location's row."""
        self.rows = rows
        self.item = item
        self.location = location
        self.rules = rules
        self.generation = generation
        self.key = key
        self.row = row
        self.sums: dict[int, int] = {}
        self._name = ""  # this and the two below are made when they are first asked for: most facts ask for few
        self._instants: Chunks | None = None
        self._departures: Departures | None = None

    @property
    def name(self) -> str:
        """Return how keys name the location: "tenant|item|location|"."""
        if not self._name:
            self._name = f"{self.item}|{encode(self.location)}|"
        return self._name

    @property
    def instants(self) -> Chunks:
        """Return the older instants."""
        if self._instants is None:
            self._instants = Chunks(self.rows, f"F|{self.name}", self.generation)
        return self._instants

    @property
    def departures(self) -> Departures:
        """Return the older shipments."""
        if self._departures is None:
            key, left = f"X|{self.name}", self.row.shipments
            self._departures = Departures(self.rows, key, self.generation, left, self.rules.window_us)
        return self._departures

    def shipped_behind(self, at_us: int) -> int:
        """Return the units that left behind a stamp."""
        left = self.row.shipments
        if not left.spans and (not left.tail or left.tail[-1].at_us <= at_us):
            return 0
        return self.departures.total_behind(at_us)

    def put(self) -> None:
        """Set the row."""
        self.rows.put(self.key, self.row)

    # What is remembered

    def knows(self, mark: str) -> bool:
        """Return whether an event id was counted in this generation or in the one before."""
        row, generation = self.row, self.generation
        passed = generation - row.generation
        if passed > 1:
            return False
        if _holds(row.ids, mark) or (not passed and _holds(row.ids_before, mark)):
            return True
        if not row.spilled:
            return False
        spilled = row.spilled << passed
        get, item = self.rows.get, self.item
        return bool(
            (spilled & _PRESENT and get(mark_key(generation, item, mark)))
            or (spilled & _BEFORE and get(mark_key(generation - 1, item, mark)))
        )

    @property
    def forgotten_at_us(self) -> int:
        """Return the stamp up to which a fact, or a later one, may have been counted and forgotten."""
        row = self.row
        passed = self.generation - row.generation
        if not passed:
            return row.forgotten_at_us
        return max(row.forgotten_at_us, row.before_at_us, row.newest_at_us if passed > 1 else NEVER)

    def turn(self) -> None:
        """Let the row live in the present generation; no other row is read or written."""
        row, passed = self.row, self.generation - self.row.generation
        if not passed:
            return
        assert passed > 0  # noqa: S101  (an item's commands come in the order of stock time)
        if passed == 1:
            row.forgotten_at_us, row.before_at_us = max(row.forgotten_at_us, row.before_at_us), row.newest_at_us
            row.ids_before, row.spilled = row.ids, (row.spilled & _PRESENT) * _BEFORE
        else:
            row.forgotten_at_us = max(row.forgotten_at_us, row.before_at_us, row.newest_at_us)
            row.before_at_us, row.ids_before, row.spilled = NEVER, "", 0
        row.newest_at_us, row.ids, row.generation = NEVER, "", self.generation
        facts, forgotten_at_us = row.facts, row.forgotten_at_us
        kept = 0
        while kept < len(facts.tail) and facts.tail[kept].at_us <= forgotten_at_us:
            kept += 1
        del facts.tail[:kept]
        facts.edge_us = max(facts.edge_us, forgotten_at_us)
        spans.forget(row.shipments, self.generation, min(row.included_at_us, forgotten_at_us - self.rules.skew_us))

    def remember(self, mark: str, at_us: int) -> None:
        """Note a fact that counts; the oldest id beyond those that the row has room for gets a row of its own."""
        row = self.row
        row.ids += mark
        if len(row.ids) + len(row.ids_before) > MAX_IDS * _MARK_CHARS:
            if row.ids_before:
                oldest, row.ids_before = row.ids_before[:_MARK_CHARS], row.ids_before[_MARK_CHARS:]
                self.rows.put(mark_key(self.generation - 1, self.item, oldest), Mark())
                row.spilled |= _BEFORE
            else:
                oldest, row.ids = row.ids[:_MARK_CHARS], row.ids[_MARK_CHARS:]
                self.rows.put(mark_key(self.generation, self.item, oldest), Mark())
                row.spilled |= _PRESENT
        if at_us > row.newest_at_us:  # noqa: PLR1730  (a call of `max` takes longer)
            row.newest_at_us = at_us

    # What is kept behind a stamp

    def touch(self, at_us: int) -> Instant:
        """Return the instant of a stamp, which may be changed in place."""
        facts, instant = self.row.facts, Instant(at_us)
        tail = facts.tail
        if (
            at_us > facts.edge_us and len(tail) < MAX_TAIL and (not tail or tail[-1].at_us < at_us)
        ):  # most facts are the newest
            tail.append(instant)
        else:
            instant = self.instants.touch(facts, instant, was_before=at_us <= self.row.before_at_us)
        return instant

    def find(self, at_us: int) -> Instant:
        """Return the instant of a stamp that is remembered, to read."""
        instant: Instant | None = self.instants.find(self.row.facts, at_us)
        assert instant is not None  # noqa: S101  (the caller knows it by its stamp)
        return instant

    def delta_behind(self, at_us: int) -> int:
        """Return the sum of the deltas behind a stamp, of what is remembered."""
        if at_us not in self.sums:
            parts = self.instants.behind(self.row.facts, at_us)
            self.sums[at_us] = sum(instant.delta for part in parts for instant in part)
        return self.sums[at_us]


def _holds(marks: str, mark: str) -> bool:
    """Return whether a mark is one of those that stand side by side in a text."""
    place = marks.find(mark)
    while place % _MARK_CHARS > 0 <= place:
        place = marks.find(mark, place + 1)
    return place >= 0


def mark_of(fact: Fact, location: str) -> str:
    """Return the name of an event id: ids are known per kind of message and place."""
    kind = "c" if fact.delta is None else "a"
    content = f"{kind}{len(location)}|{location}{fact.id}".encode()
    return b2a_base64(blake2b(content, digest_size=_MARK_BYTES).digest(), newline=False).decode()
