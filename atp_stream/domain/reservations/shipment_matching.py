"""What has left for a reservation by fulfilments and adjustments, and which of them report the same shipment.

Both may report one movement. From one location they are one, from different locations they are two, and where one of
them names no location they may be one. So may all that a fulfilment of the rest ships, wherever it says that it was:
who says that all has left counts in what left elsewhere.

    1. fulfilments and adjustments of the same location are paired
    2. fulfilments without a location or of the rest, with what is left of the adjustments, those with a location first
    3. adjustments without a location, with what is left of the fulfilments, the oldest first
    moved = fulfilled + adjusted - paired

An adjustment moves the stock by itself, so only what is not paired of the fulfilments stands in the stock beside it, of
each location the youngest units.

Law: what has moved, and what stands in the stock, follows from what was said and not from the order of arrival, as far
as shipments are known apart.
Source: docs/rules/stock.md#pairing.
"""

from collections import Counter

from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.reservations.balances import shipped
from atp_stream.domain.state.rows import MatchedShipment, Reservation


def record_fulfilment(item: OpenItem, row: Reservation, units: int, at_us: int, location: str, *, rest: bool) -> int:
    """Let a fulfilment take units, or (`rest`) all that is left, out of the stock.

    Returns how many have left that were not known to have.
    """
    if not units:
        return 0
    before = shipped(row)
    row.fulfilled += units
    stated, place = ("", location) if rest else (location, "")
    shipment = MatchedShipment(at_us, units, stated, units, place)
    if _enter(item, row, shipment):
        _pair(item, row)
    else:
        row.unmatched += units
        _pair(item, row)
        _reflect_in_stock(item, row, shipment, 0)
    return shipped(row) - before


def record_adjustment(item: OpenItem, row: Reservation, units: int, location: str) -> int:
    """Take note that an adjustment took units out of the stock; return how many were not known to have left."""
    before = shipped(row)
    row.adjusted += units
    if location:
        row.adjusted_at[location] = row.adjusted_at.get(location, 0) + units
    _pair(item, row)
    return shipped(row) - before


def relocate(item: OpenItem, row: Reservation, location: str) -> None:
    """Let a reservation be of another location, and what left no stated one have left that."""
    _read_as_meant(row)
    for one in row.shipments:
        units = one.quantity - one.repeated
        if units and not one.location and not one.place:
            item.stock.ship(one.at_us, -units, row.location)
            item.stock.ship(one.at_us, units, location)
    row.location = location


def _enter(item: OpenItem, row: Reservation, shipment: MatchedShipment) -> bool:
    """Note a shipment, none of which stands in the stock yet; False if there is no room for its location."""
    _read_as_meant(row)
    for one in row.shipments:
        if _place_in_time(one) == _place_in_time(shipment):
            one.quantity += shipment.quantity
            one.repeated += shipment.quantity
            return True
    if len(row.shipments) >= item.limits.shipments and not _make_room(item, row):
        return False
    row.shipments.append(shipment)
    row.shipments.sort(key=_place_in_time)
    return True


def _read_as_meant(row: Reservation) -> None:
    """Tell locations apart in a row that was written before: one that may be the reservation's own was not stated."""
    for one in row.shipments:
        if one.place is None:
            one.place = ""
            if one.location == row.location:
                one.location, one.place = "", row.location


def _make_room(item: OpenItem, row: Reservation) -> bool:
    """Merge the two oldest shipments of the location that has most; False if each has but one."""
    where, most = Counter(_where(one) for one in row.shipments).most_common(1)[0]
    if most < 2:  # noqa: PLR2004  (two are merged)
        return False
    older, younger = [one for one in row.shipments if _where(one) == where][:2]
    _reflect_in_stock(item, row, older, older.quantity)
    younger.quantity += older.quantity
    younger.repeated += older.quantity
    row.shipments.remove(older)
    return True


def _pair(item: OpenItem, row: Reservation) -> None:
    """Let stand in the stock what the adjustments do not repeat of the fulfilments."""
    if not row.adjusted:
        for one in row.shipments:
            if one.repeated:
                _reflect_in_stock(item, row, one, 0)
        return
    _read_as_meant(row)
    by_location: Counter[str] = Counter()
    for one in row.shipments:
        by_location[one.location] += one.quantity
    kept = by_location.pop("", 0)
    nowhere = row.fulfilled - row.unmatched - by_location.total()
    alike = {place: min(units, row.adjusted_at.get(place, 0)) for place, units in by_location.items()}
    pairs = sum(alike.values())
    elsewhere = sum(row.adjusted_at.values()) - pairs
    anywhere = row.adjusted - pairs - elsewhere
    of_nowhere = min(nowhere, elsewhere + anywhere)
    others = min(by_location.total() - pairs, anywhere - max(0, of_nowhere - elsewhere))
    row.apart = min(row.fulfilled, row.adjusted) - pairs - of_nowhere - others
    alike[""] = max(0, of_nowhere - (nowhere - kept))  # what is no longer kept was repeated before
    for one in row.shipments:
        repeated = min(one.quantity, alike[one.location])
        alike[one.location] -= repeated
        more = min(one.quantity - repeated, others)
        others -= more
        _reflect_in_stock(item, row, one, repeated + more)


def _reflect_in_stock(item: OpenItem, row: Reservation, one: MatchedShipment, repeated: int) -> None:
    """Let all but `repeated` units of a shipment stand in the stock."""
    more = one.repeated - repeated
    if more:
        item.stock.ship(one.at_us, more, one.location or one.place or row.location)
        one.repeated = repeated


def _where(one: MatchedShipment) -> tuple[str, str]:
    return one.location, one.place or ""


def _place_in_time(one: MatchedShipment) -> tuple[int, str, str]:
    return one.at_us, *_where(one)
