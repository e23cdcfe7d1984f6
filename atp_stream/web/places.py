"""The locations of an item, page by page, in the order of their keys: an item may have any number of them."""

from itertools import islice, takewhile
from typing import Final, NamedTuple

from atp_stream.domain.names import decode, encode
from atp_stream.domain.row_keys import location_key
from atp_stream.domain.state.overlay import State
from atp_stream.domain.stock.rows import Location, Stock

MAX_PLACES: Final = 100


class Place(NamedTuple):
    """A location; `row` is None where the item's rows are those of a version before 0.2."""

    location: str
    quantity: int
    gap: int
    row: Location | None


class Places(NamedTuple):
    """Some locations, and behind which one to go on: None at the end."""

    places: list[Place]
    next: str | None


def page_of(state: State, name: str, stock: Stock, after: str, limit: int) -> Places:
    """Return up to `limit` locations of the item `name` behind the location `after`; "" begins with the first."""
    if any(place is not None for place in stock.places.values()):
        found = _old_places(stock, after)[: limit + 1]
    else:
        prefix = location_key(name, "")
        rows = state.scan(location_key(name, after) + ("\0" if after else ""))
        of_item = takewhile(lambda pair: pair[0].startswith(prefix), rows)
        found = [
            Place(decode(key.removeprefix(prefix)), row.value, row.gap, row) for key, row in islice(of_item, limit + 1)
        ]
    return Places(found[:limit], found[limit - 1].location if len(found) > limit else None)


def _old_places(stock: Stock, after: str) -> list[Place]:
    behind = [name for name in sorted(stock.places, key=encode) if not after or encode(name) > encode(after)]
    states = [(name, stock.places[name][0]) for name in behind]
    return [Place(name, value, gap, None) for name, (value, gap, *_) in states]
