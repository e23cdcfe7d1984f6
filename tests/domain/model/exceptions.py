"""How far the product may stay below the model, and when: the two exceptions from the law of stock, as bounds.

Above the model it may never be. Source: docs/rules/stock.md#exceptions.
"""

from tests.domain.model.stock import Place, StockModel, apart

BORDER_AGES = 30


def short_of_homeless(model: StockModel, window: int, now: int) -> int:
    """Return how many units on hand may be short because what left adrift is remembered in spans, once forgotten.

    Adrift is what left a place without an absolute. No more of it may count twice than left within a window, or a
    thirtieth of the age of the border, in front of the border: the stamp up to which all places include it.
    """
    places = model.places()
    return max(_short_of_homeless(model, part, window, now) for part in (places, *apart(places)))


def _short_of_homeless(model: StockModel, places: dict[str, Place], window: int, now: int) -> int:
    counted = {location: place for location, place in places.items() if place.with_absolute}
    if not counted:
        return 0
    border = min(place.border for place in counted.values())
    reach = max(window, (now - border) // BORDER_AGES)
    first = {location: place.instants[place.with_absolute[0]].at for location, place in counted.items()}
    return sum(
        one.quantity
        for one in model.shipments
        if border - reach < one.at <= border and one.at <= first.get(one.location, one.at)
    )


def short_in_doubt(model: StockModel) -> int:
    """Return how many units on hand may be short because what was held before an instant in doubt is forgotten."""
    return sum(_short_in_doubt(place) for place in model.places().values() if place.with_absolute)


def _short_in_doubt(place: Place) -> int:
    newest = place.with_absolute[-1]
    instant = place.instants[newest]
    if instant.sure_end is not None or len(place.in_doubt()) == 1:
        return 0
    before = place.ends[newest - 1] if newest else 0
    return instant.end_by_absolutes(before) - instant.smallest
