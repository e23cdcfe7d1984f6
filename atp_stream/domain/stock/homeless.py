"""What left no location that has an absolute: it is missing until every named location with an absolute includes it.

So the location that includes the least decides. It is found by rows in the order of the stamps up to which locations
include shipments. A row may lag behind its location and is moved on only when it is the first: each move is paid for
by an absolute of that location.
Source: docs/rules/stock.md#homeless.
"""

from typing import TYPE_CHECKING

from atp_stream.domain.row_keys import dated_place_key, dated_place_of, dated_place_prefix
from atp_stream.domain.stock import spans
from atp_stream.domain.stock.facts import NEVER, saturated
from atp_stream.domain.stock.place import Place
from atp_stream.domain.stock.rows import Mark, Span

if TYPE_CHECKING:
    from atp_stream.domain.stock.fold import StockFold


def adopt(fold: "StockFold", place: Place) -> None:
    """Let the first absolute of a location decide about what left it, in place of those of all others."""
    stock = fold.stock
    refresh(fold)
    left = place.row.shipments
    if left.tail or left.spans:
        limit_us = stock.oldest_us if stock.named.absolutes > 1 else NEVER
        bare = fold.turned("")
        for part in place.departures.behind(left, NEVER):
            for entry in part:
                fold.add(bare, entry.at_us, 0, -entry.units)
                stock.homeless -= entry.units * (entry.at_us > limit_us)
        _take_forgotten(fold, place, bare, limit_us)
        bare.put()
        if stock.named.absolutes > 1:
            stock.homeless = saturated(min(stock.homeless, bare.departures.total_behind(limit_us, homeless=True)))
    included_at_us = place.row.included_at_us
    fold.rows.put(dated_place_key(fold.item, included_at_us, place.location), Mark())
    if stock.named.absolutes == 1 or included_at_us < stock.oldest_us:
        _set_oldest(fold, included_at_us, place.location)


def refresh(fold: "StockFold") -> None:
    """Look up which location with an absolute includes the least."""
    rows, prefix = fold.rows, dated_place_prefix(fold.item)
    for first in rows.keys(prefix, prefix):  # one that is moved on lies behind, and is met again
        stamp_us, location = dated_place_of(first, prefix)
        at_us = fold.place(location).row.included_at_us
        if at_us == stamp_us:
            if (stamp_us, location) != (fold.stock.oldest_us, fold.stock.oldest_at):
                _set_oldest(fold, stamp_us, location)
            return
        rows.delete(first)
        rows.put(dated_place_key(fold.item, at_us, location), Mark())


def _take_forgotten(fold: "StockFold", place: Place, bare: Place, limit_us: int) -> None:
    """Take over what is forgotten: the least that it can have been, so that never too little is missing."""
    found = {(span.generation, span.number): span for span in bare.row.shipments.spans}
    for span in place.row.shipments.spans:
        if span.generation == spans.FORGOTTEN:
            fold.stock.homeless -= span.taken * (span.least_at_us > limit_us) + span.returned * (
                span.greatest_at_us > limit_us
            )
            taken_over = Span(spans.FORGOTTEN, span.number, span.least_at_us, span.greatest_at_us)
            taken_over.homeless_taken, taken_over.homeless_returned = -span.returned, -span.taken
            spans.join(found, taken_over)
    bare.row.shipments.spans = sorted(found.values())
    spans.shorten(bare.row.shipments, limit_us, spans.MAX_BARE_SPANS)


def _set_oldest(fold: "StockFold", oldest: int, location: str) -> None:
    """Let what is homeless be included up to `oldest_us`."""
    stock = fold.stock
    left = fold.place("").row.shipments
    if left.tail or left.spans:
        bare = fold.turned("")
        bare.put()
        stock.homeless = saturated(bare.departures.total_behind(oldest, homeless=True))
    stock.oldest_us, stock.oldest_at = oldest, location
