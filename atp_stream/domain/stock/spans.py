"""Shipments by stamp, with sums over spans of stamps: what is forgotten is known by its span alone, and never too low.

A span is as long as the window. Its sums of units taken and of units returned are kept apart: of a forgotten span that
lies on both sides of a stamp, all that was taken counts as behind it, and nothing that was returned. So what is asked
for is never less than what left, and on hand never more than it is.
Source: docs/rules/stock.md#exceptions.
"""

from itertools import pairwise
from typing import Any, Final

from atp_stream.domain.stock.facts import saturated
from atp_stream.domain.stock.rows import Shipments, Shipped, Span
from atp_stream.domain.stock.series import Chunks, Rows

MAX_SPANS: Final = 16
MAX_BARE_SPANS: Final = 64
"""How many forgotten spans are kept apart, of a location and of the one without a name."""

MAX_LIVE_SPANS: Final = 64
"""How many spans are kept apart beyond those, of the generations whose chunks are there."""

FORGOTTEN: Final = -1
"""The generation of a span whose chunks are gone, or may be."""


class Departures(Chunks):
    """The shipments of one location."""

    def __init__(self, rows: Rows, key: str, generation: int, left: Shipments, width: int) -> None:
        """`width` is how long a span is, in microseconds."""
        super().__init__(rows, key, generation)
        self._left = left
        self._width = width

    def add(self, at_us: int, units: int, homeless: int) -> None:
        """Add to what left at a stamp; amounts below 0 take back."""
        left, before = self._left, self._generation - 1
        was_before = any(s.generation == before and s.least_at_us <= at_us <= s.greatest_at_us for s in left.spans)
        entry: Shipped = self.touch(left, Shipped(at_us), was_before=was_before)
        if at_us <= left.edge_us:
            self._account(self._generation, entry, -1)
        entry.units, entry.homeless = saturated(entry.units + units), saturated(entry.homeless + homeless)
        if at_us <= left.edge_us:
            self._account(self._generation, entry, 1)

    def total_behind(self, after_us: int, *, homeless: bool = False) -> int:
        """Return the units that left behind a stamp, of all or of the homeless ones; of what is forgotten, the most."""
        total = 0
        split: set[int] = set()
        for span in self._left.spans:
            if span.generation >= self._generation - 1 and span.least_at_us <= after_us < span.greatest_at_us:
                split.add(span.generation)
        for span in self._left.spans:
            if span.generation not in split:
                taken, returned = _sums(span, homeless=homeless)
                total += taken * (span.greatest_at_us > after_us) + returned * (span.least_at_us > after_us)
        for part in self.behind(self._left, after_us, tuple(sorted(split, reverse=True))):
            for entry in part:
                total += entry.homeless if homeless else entry.units
        return total

    def moved(self, entry: Any) -> None:
        """Count the entry in the present generation."""
        self._account(self._generation - 1, entry, -1)
        self._account(self._generation, entry, 1)

    def flushed(self, entry: Any) -> None:
        """Count the entry in the present generation."""
        self._account(self._generation, entry, 1)

    def _account(self, generation: int, entry: Shipped, times: int) -> None:
        """Count an entry of a chunk in the sums of its span, or (`times` is -1) no longer."""
        number, at_us = entry.at_us // self._width, entry.at_us
        spans = self._left.spans
        width = self._width
        for span in reversed(spans):
            if span.generation == generation and span.least_at_us // width <= number <= span.greatest_at_us // width:
                break
        else:
            span = Span(generation, number, at_us, at_us)
            spans.append(span)
            spans.sort()
        span.least_at_us, span.greatest_at_us = min(span.least_at_us, at_us), max(span.greatest_at_us, at_us)
        span.taken += times * max(0, entry.units)
        span.returned += times * min(0, entry.units)
        span.homeless_taken += times * max(0, entry.homeless)
        span.homeless_returned += times * min(0, entry.homeless)


def _sums(span: Span, *, homeless: bool) -> tuple[int, int]:
    return (span.homeless_taken, span.homeless_returned) if homeless else (span.taken, span.returned)


def forget(left: Shipments, generation: int, asked: int) -> None:
    """Begin a generation: what came before the one before it is known by its span alone.

    `asked` is a stamp in front of which nobody asks any more: forgotten spans that end there go.
    """
    spans = left.spans
    if not spans or (
        all(span.generation in {FORGOTTEN, generation, generation - 1} for span in spans)
        and (spans[0].generation != FORGOTTEN or spans[0].greatest_at_us > asked)
    ):
        return
    kept: dict[tuple[int, int], Span] = {}
    for span in spans:
        if span.generation < generation - 1:
            if not _is_asked(span, asked):
                continue
            span.generation = FORGOTTEN
        join(kept, span)
    left.spans = sorted(kept.values())


def _is_asked(span: Span, asked: int) -> bool:
    if span.homeless_taken or span.homeless_returned:
        return True
    return span.greatest_at_us > asked and bool(span.taken or span.returned)


def join(spans: dict[tuple[int, int], Span], more: Span) -> None:
    """Add a span to those it belongs to, found by generation and number."""
    place = more.generation, more.number
    was = spans.get(place)
    spans[place] = more if was is None else _merged(was, more)


def _merged(one: Span, other: Span) -> Span:
    return Span(
        other.generation,
        other.number,
        min(one.least_at_us, other.least_at_us),
        max(one.greatest_at_us, other.greatest_at_us),
        one.taken + other.taken,
        one.returned + other.returned,
        one.homeless_taken + other.homeless_taken,
        one.homeless_returned + other.homeless_returned,
    )


def shorten(left: Shipments, included_at_us: int, limit: int) -> None:
    """Keep at most `limit` forgotten spans and MAX_LIVE_SPANS others: merge the two neighbours that lie closest.

    Of forgotten ones first of what is included, while that is more than a quarter; else of what is not; never across
    the border.
    """
    spans = left.spans
    while len(spans) > limit and spans[2].generation == FORGOTTEN:
        included = sum(s.generation == FORGOTTEN and s.greatest_at_us <= included_at_us for s in spans)
        many = included > limit // 4
        lengths = [
            (two.greatest_at_us - one.least_at_us, place)
            for place, (one, two) in enumerate(pairwise(spans))
            if two.generation == FORGOTTEN
            and (
                two.greatest_at_us <= included_at_us
                if many
                else one.greatest_at_us > included_at_us or (included > 1 and not place)
            )
        ]
        _, place = min(lengths)
        spans[place] = _merged(spans[place], spans.pop(place + 1))
    while len(spans) > limit + MAX_LIVE_SPANS:
        # What chunks still hold is read from them where a threshold splits a span: to merge these costs no exactness.
        lengths = [
            (two.greatest_at_us - one.least_at_us, place)
            for place, (one, two) in enumerate(pairwise(spans))
            if one.generation == two.generation != FORGOTTEN
        ]
        if not lengths:
            return
        _, place = min(lengths)
        spans[place] = _merged(spans[place], spans.pop(place + 1))
