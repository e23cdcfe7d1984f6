"""What the absolutes of one instant say: facts of one stamp are a set, their order does not exist.

An adjustment is a link from the value it left to the value it entered, a count a link of length 0; links that meet in a
value are one chain. One chain with one end (a value entered more often than left, or its only value) is beyond doubt.
Otherwise the instant is in doubt. Chains are kept as a union-find forest, so the answer costs no search however many
absolutes there are. Source: docs/rules/stock.md#end-of-instant.
"""

from typing import Final

from atp_stream.domain.stock.rows import COUNTS, SHIPS, Chains, Instant, Link, Stated
from atp_stream.domain.stock.series import Rows

MAX_INLINE: Final = 8
"""An instant with more values than this keeps them in pages."""

PAGE_UNITS: Final = 800
"""Values of so many hundredths share a page: they lie side by side, and a page stays small."""

_UNKNOWN: Final = 2**62

_PARENT, _SIZE, _OPEN, _BALANCE = range(4)


def state(rows: Rows, place: str, instant: Instant, link: Link, generation: int) -> None:
    """Let an instant state one more absolute; `place` is "tenant|item|location|"."""
    if instant.link is None and instant.stated is None:
        instant.link = link
        return
    stated = instant.stated
    if stated is None:
        stated = instant.stated = Stated(_UNKNOWN, False, True, None, values={}, generation=generation)
        first, instant.link = instant.link, None
        assert first is not None  # noqa: S101  (one of the two is set)
        _link(_Values(rows, place, instant.at_us, stated), first)
    _link(_Values(rows, place, instant.at_us, stated), link)


def is_sure(instant: Instant) -> bool:
    """Return whether the end of an instant with an absolute is beyond doubt."""
    stated = instant.stated
    return stated is None or (stated.chains == 1 and (stated.positive == 1 or stated.nodes == 1))


def has_count(instant: Instant) -> bool:
    """Return whether one of the absolutes is a count."""
    if instant.stated is not None:
        return instant.stated.has_count
    return instant.link is not None and instant.link.kind == COUNTS


def stated_end(instant: Instant) -> int:
    """Return the end by the absolutes alone: in doubt, the smallest value stated."""
    stated = instant.stated
    if stated is None:
        assert instant.link is not None  # noqa: S101  (asked of instants with an absolute only)
        return instant.link.entered
    return stated.positive_xor if stated.chains == 1 and stated.positive == 1 else stated.smallest


def plain_end(instant: Instant) -> int:
    """Return the end without a look at what was before: losses in the second of a count still count."""
    end = stated_end(instant)
    return end + instant.bare_loss if instant.bare_loss and has_count(instant) else end


def is_end(rows: Rows, place: str, instant: Instant, value: int) -> bool:
    """Return whether a value may be the end of an instant in doubt: an end of a chain, or any value of a closed one."""
    assert instant.stated is not None  # noqa: S101  (one absolute alone is never in doubt)
    values = _Values(rows, place, instant.at_us, instant.stated)
    node = values.get(value)
    if node is None:
        return False
    if node[_BALANCE] > 0:
        return True
    while node[_PARENT] != value:
        value = node[_PARENT]
        node = values.at(value)
    return node[_OPEN] == 0


def basis(instant: Instant) -> int | None:
    """Return the value that a percentage is taken of, None if all absolutes ship reservations.

    In doubt it is the largest: it withholds most.
    """
    stated = instant.stated
    if stated is None:
        assert instant.link is not None  # noqa: S101  (asked of instants with an absolute only)
        return None if instant.link.kind == SHIPS else instant.link.entered
    return stated_end(instant) if stated.own and is_sure(instant) else stated.largest_own


class _Values:
    """The values that the absolutes of an instant enter or leave: in its row while they are few, else in pages."""

    def __init__(self, rows: Rows, place: str, at_us: int, stated: Stated) -> None:
        self.stated = stated
        self._rows = rows
        self._front = f"|g|{stated.generation:08x}|C|{place}{at_us:016x}|"

    def get(self, value: int) -> list[int] | None:
        """Return the node of a value."""
        if self.stated.values is not None:
            return self.stated.values.get(value)
        page: Chains | None = self._rows.get(f"{self._front}{value // PAGE_UNITS}")
        return None if page is None else page.get(value)

    def at(self, value: int) -> list[int]:
        """Return the node of a value that has one."""
        node = self.get(value)
        assert node is not None  # noqa: S101  (a parent is a value of the same instant)
        return node

    def put(self, value: int, node: list[int]) -> None:
        """Set the node of a value."""
        if self.stated.values is not None:
            self.stated.values[value] = node
            return
        key = f"{self._front}{value // PAGE_UNITS}"
        page: Chains = self._rows.get(key) or {}
        page[value] = node
        self._rows.put(key, page)

    def make_room(self) -> None:
        """Write the values to pages once they are too many for the row."""
        values = self.stated.values
        if values is not None and len(values) > MAX_INLINE:
            self.stated.values = None
            for value, node in values.items():
                self.put(value, node)

    def root(self, value: int) -> tuple[int, list[int]]:
        """Return the root of a value's tree, and let the path to it be half as long."""
        node = self.at(value)
        while node[_PARENT] != value:
            parent = self.at(node[_PARENT])
            if parent[_PARENT] != node[_PARENT]:
                node[_PARENT] = parent[_PARENT]
                self.put(value, node)
            value = node[_PARENT]
            node = self.at(value)
        return value, node


def _link(values: _Values, link: Link) -> None:
    stated, entered, left, kind = values.stated, link.entered, link.left, link.kind
    stated.smallest = min(stated.smallest, entered)
    stated.has_count |= kind == COUNTS
    if kind == SHIPS:
        stated.own = False
    else:
        stated.largest_own = entered if stated.largest_own is None else max(stated.largest_own, entered)
    values.make_room()
    for value in (left, entered):
        if values.get(value) is None:
            values.put(value, [value, 1, 0, 0])
            stated.nodes += 1
            stated.chains += 1
    if entered != left:
        root, node = _joined(values, left, entered)
        _balance(values, left, -1, root, node)
        _balance(values, entered, 1, root, node)
        values.put(root, node)


def _joined(values: _Values, one: int, other: int) -> tuple[int, list[int]]:
    """Make one tree of those of two values, and return its root."""
    (a, node), (b, child) = values.root(one), values.root(other)
    if a != b:
        if node[_SIZE] < child[_SIZE]:
            a, node, b, child = b, child, a, node
        child[_PARENT] = a
        node[_SIZE] += child[_SIZE]
        node[_OPEN] += child[_OPEN]
        values.put(b, child)
        values.stated.chains -= 1
    return a, node


def _balance(values: _Values, value: int, more: int, root: int, root_node: list[int]) -> None:
    """Let a value be entered (`more` is 1) or left (-1) once more."""
    node = root_node if value == root else values.at(value)
    before, after = node[_BALANCE], node[_BALANCE] + more
    node[_BALANCE] = after
    root_node[_OPEN] += (before == 0) - (after == 0)
    if (before > 0) != (after > 0):
        values.stated.positive += 1 if after > 0 else -1
        values.stated.positive_xor ^= value
    values.put(value, node)
