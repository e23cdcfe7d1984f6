"""The fulfilments of a reservation that no adjustment has stated, found by laying one beside the other."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from atp_stream.oracle.stock import Gone

_FITS: Final[list[Callable[[str, str], bool]]] = [
    lambda event, adjustment: event == adjustment != "",
    lambda event, adjustment: event == "" != adjustment,
    lambda event, adjustment: event == adjustment == "",
    lambda event, adjustment: event != "" == adjustment,
]
"""Which location of a fulfilment goes with which of an adjustment ("" is none), the surest first."""


def unpaired(shipped: Iterable[Gone], adjusted: Mapping[str, int]) -> list[Gone]:
    """Return the fulfilments without the units that adjustments have stated, by location, beginning with the oldest.

    Each has the location that it states. What both state is one movement, all else is a movement of its own. Whoever
    says that all the rest has left counts in what left elsewhere: its units go with any adjustment.
    """
    left = dict(adjusted)
    gone = sorted(shipped, key=lambda one: (one.at_us, _stated(one), one.location))
    for fits in _FITS:
        for place, one in enumerate(gone):
            units = one.quantity
            for location in [location for location in left if fits(_stated(one), location)]:
                matched = min(units, left[location])
                units -= matched
                left[location] -= matched
            gone[place] = one._replace(quantity=units)
    return [one for one in gone if one.quantity]


def _stated(one: Gone) -> str:
    return "" if one.rest else one.location
