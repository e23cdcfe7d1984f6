"""What of one item has a date while a step folds it: the only place where units are promised by day, or no more.

A promise is to the curve what an allocation is to the shelf: it is published, taken back and counted in its channel's
quota in the same way, and it is redeemed when it becomes an allocation.

Law: what is promised for a day is the sum of the promises that have it; both are kept side by side.
Source: docs/rules/dates.md#promise.
"""

import weakref
from typing import TYPE_CHECKING

from atp_stream.domain.item import time_limit
from atp_stream.domain.names import encode
from atp_stream.domain.policy.schema import Kind
from atp_stream.domain.promise import availability, curve
from atp_stream.domain.promise.claims import Claim
from atp_stream.domain.promise.curve import NOW, Curve
from atp_stream.domain.row_keys import (
    curve_key,
    day_prefix,
    late_prefix,
    promise_place,
    rank,
    redeemed_prefix,
    wanted_key,
)
from atp_stream.domain.state.rows import Due, Promise, Ranked, Reservation
from atp_stream.domain.supply import days
from atp_stream.domain.supply.rows import CurveRow

if TYPE_CHECKING:
    from atp_stream.domain.item.open_item import OpenItem


class ItemDates:
    """The dates of an item; `item.row.dated` says whether there are any."""

    __slots__ = ("_curve", "_has_row", "_known", "asked", "before", "is_touched", "item", "row")

    def __init__(self, item: "OpenItem") -> None:
        found: CurveRow | None = item.state.get(curve_key(item.name))
        # In a cycle with its item, the rows and open iterators of a whole step would wait for the garbage collector.
        self.item: OpenItem = weakref.proxy(item)
        self.row = found or CurveRow()
        self._has_row = found is not None
        self.before: dict[str, tuple[list[tuple[int, int]], int]] = {}  # what was published of each reservation
        self.asked: str | None = None  # the reservation that the present command is about
        self.is_touched = False
        self._curve: Curve | None = None
        self._known: tuple[int, ...] = ()

    # What there is

    @property
    def today(self) -> int:
        """Return the day of the item."""
        return days.today_of(self.row.boundary, max(self.item.log_time_ms, self.item.row.log_time_ms))

    def first_day(self, row: Reservation) -> int:
        """Return the first day that answers a request."""
        return self.today if row.wanted is None else max(row.wanted, self.today)

    def curve(self) -> Curve:
        """Return the curve as it is now."""
        item = self.item
        safety = availability.safety_stock(item.rules, item.row.stock.basis)
        known = (item.row.stock.on_hand, item.reserved, safety, self.today)
        if self._curve is None or known != self._known:
            units = known[0] - known[1]
            self._curve = curve.drawn(self.row, units, safety, known[3], item.rules.supply, item.rules.step)
            self._known = known
        return self._curve

    def changed(self) -> None:
        """Take note that what is expected, arriving or promised has changed, or a rule."""
        self._curve = None
        self.is_touched = self.item.row.dated = True

    def claim(self, channel: str, day: int) -> Claim:
        """Return what a channel may claim on a day."""
        return curve.claim_at(self.curve(), day, channel, self.item.rules, self.item.channels)

    def earliest(self, row: Reservation, units: int, *, first: int | None = None, more: bool = False) -> int | None:
        """Return the earliest day on which a reservation may claim units, from the first that answers it on.

        With `more` only a day on which there is more than now: what there is now is not promised for later.
        """
        item, found = self.item, self.curve()
        return curve.earliest(
            found, units, self.first_day(row) if first is None else first, row.channel, item.rules, item.channels,
            above=found.levels[0] if more else -1,
        )  # fmt: skip

    def entitled(self) -> int:
        """Return what is left of the grants of all quotas."""
        return curve.entitled(self.item.rules, self.item.channels)

    def cap_of_today(self) -> int:
        """Return how much of what is promised for today may be redeemed."""
        return self.curve().cap(NOW, self.today, self.entitled(), eats=True)

    def cap_now(self, day: int) -> int:
        """Return how much of what is promised for a later day may be redeemed now."""
        return self.curve().cap(NOW, day, self.entitled())

    def kept(self) -> int:
        """Return how much has to stay at each point that units move away from."""
        return self.curve().kept(self.entitled())

    def lack(self, row: Reservation, promise: Promise, *, in_parts: bool) -> int:
        """Return how many more units must be free for a late promise to be redeemed, or a step of it, or to move."""
        found, entitled, day, units = self.curve(), self.entitled(), promise.day, promise.quantity
        to_move = found.lack(units, day - 1, day, entitled)
        needed = min(units, self.item.rules.step) if in_parts else units
        return to_move if row.undue else min(to_move, found.lack(needed, NOW, day, entitled))

    def may_hasten(self) -> bool:
        """Return whether anything that is promised for a later day may move to an earlier one at all."""
        today = self.today
        later = (one.day for one in self.row.days if one.promised and one.day > today)
        return self.curve().may_hasten(later, self.entitled())

    def hole(self) -> tuple[int, int] | None:
        """Return the first day that is not covered while something is promised by then, and what is missing."""
        first = next((max(one.day, self.today) for one in self.row.days if one.promised), None)
        if first is None:
            return None
        found = self.curve()
        holes = (
            (day, -units) for day, units in zip(found.days, found.there, strict=True) if units < 0 and day >= first
        )
        return next(holes, None)

    def shown(self, channel: str, day: int) -> int:
        """Return what is shown as available in a channel on a day, or `NOW`."""
        item = self.item
        if channel not in item.rules.channels and item.rules.closed(channel):
            return 0
        rule = item.rules.channels.get(channel) or item.rules.other
        claim = sum(self.claim(channel, day))
        return availability.shown(claim, rule, item.channels[channel].blocking, item.rules.step)

    def is_frozen(self, channel: str) -> bool:
        """Return whether nothing is promised in a channel; what is promised already is redeemed."""
        return self.item.rules.rule(channel).kind is Kind.FROZEN

    # Units change hands

    def promise(self, reservation: str, row: Reservation, units: int, day: int, place: int) -> None:
        """Promise units for a day, of the earmark first; the caller has seen that the claim covers them."""
        item = self.item
        self.note(reservation, row)
        earmarked = 0 if item.rules.plain else min(units, self.claim(row.channel, day).earmark)
        item.channels[row.channel].consumed += earmarked
        self._add(reservation, row, Promise(place, units, earmarked, day))
        if row.wanted is not None:
            time_limit.begin_default(row, item.rules, item.log_time_ms)

    def give_up(self, reservation: str, row: Reservation, promise: Promise, units: int) -> None:
        """Take units of a promise back, the pool's first."""
        self.note(reservation, row)
        earmarked = max(0, units - (promise.quantity - promise.earmarked))
        self.item.channels[row.channel].consumed -= earmarked
        self._take(reservation, row, promise, units, earmarked)

    def give_up_latest(self, reservation: str, row: Reservation, units: int) -> None:
        """Take promised units back, those of the latest day first."""
        self.asked = reservation
        while units:
            promise = max(row.promises, key=lambda one: (one.day, one.place))
            part = min(units, promise.quantity)
            self.give_up(reservation, row, promise, part)
            units -= part

    def hand_over(self, reservation: str, row: Reservation, units: int) -> None:
        """Let promised units leave, those of the earliest day first, the earmark's first; nothing goes back."""
        self.asked = reservation
        self.note(reservation, row)
        while units:
            promise = min(row.promises, key=lambda one: (one.day, one.place))
            part = min(units, promise.quantity)
            self._take(reservation, row, promise, part, min(part, promise.earmarked))
            units -= part

    def redeem(self, reservation: str, row: Reservation, promise: Promise, units: int) -> None:
        """Let units of a promise become an allocation."""
        self.note(reservation, row)
        place, earmarked = promise.place, min(units, promise.earmarked)
        self._take(reservation, row, promise, units, earmarked)
        self.item.commit(reservation, row, units, place, earmarked)

    def move(self, reservation: str, row: Reservation, promise: Promise, day: int) -> None:
        """Promise for another day what is promised."""
        self.note(reservation, row)
        units, earmarked = promise.quantity, promise.earmarked
        self._take(reservation, row, promise, units, earmarked)
        self._add(reservation, row, Promise(promise.place, units, earmarked, day))

    def _add(self, reservation: str, row: Reservation, promise: Promise) -> None:
        same = next((one for one in row.promises if (one.place, one.day) == (promise.place, promise.day)), None)
        if same is None:
            row.promises = sorted([*row.promises, promise], key=_place_and_day)
            self._list(reservation, row, promise)
        else:
            same.quantity += promise.quantity
            same.earmarked += promise.earmarked
        self._count(row, promise.day, promise.quantity)

    def _take(self, reservation: str, row: Reservation, promise: Promise, units: int, earmarked: int) -> None:
        promise.quantity -= units
        promise.earmarked -= earmarked
        if not promise.quantity:
            row.promises = [one for one in row.promises if one is not promise]
            self._unlist(reservation, row, promise)
        self._count(row, promise.day, -units)

    def _count(self, row: Reservation, day: int, units: int) -> None:
        self.item.channels[row.channel].promised += units
        days.add(self.row, day, promised=units)
        self.changed()

    # How promises are found

    def list_all(self, reservation: str, row: Reservation) -> None:
        """Let a reservation be found by its promises, and while it is not due, by the day that it wants."""
        for promise in row.promises:
            self._list(reservation, row, promise)
        if row.undue and row.wanted is not None and row.ended is None:
            self.item.state.put(wanted_key(self.item.name, row.wanted, reservation), Due())
            self.row.undue += 1
            self.changed()

    def unlist_all(self, reservation: str, row: Reservation) -> None:
        """Undo `list_all`: what it lists by is going to change."""
        for promise in row.promises:
            self._unlist(reservation, row, promise)
        if row.undue and row.wanted is not None:
            key = wanted_key(self.item.name, row.wanted, reservation)
            if self.item.state.get(key) is not None:
                self.item.state.delete(key)
                self.row.undue -= 1
                self.changed()

    def _list(self, reservation: str, row: Reservation, promise: Promise) -> None:
        by_day, *queues = self._keys(reservation, row, promise)
        self.item.state.put(by_day, Due())
        for key in queues:
            self.item.state.put(key, Ranked(reservation=reservation))

    def _unlist(self, reservation: str, row: Reservation, promise: Promise) -> None:
        for key in self._keys(reservation, row, promise):
            self.item.state.delete(key)

    def _keys(self, reservation: str, row: Reservation, promise: Promise) -> list[str]:
        name, place = self.item.name, rank(row.priority, promise.place)
        in_loss = promise_place(row.priority, promise.place, confirmed=row.confirmed)
        keys = [
            f"{day_prefix(name, promise.day)}{in_loss}{encode(reservation)}",
            f"{redeemed_prefix(name, promise.day, row.channel)}{place}",
        ]
        if is_late(row, promise):
            keys.append(f"{late_prefix(name, row.channel)}{place}{promise.day:08x}")
        return keys

    # What was published

    def note(self, reservation: str, row: Reservation) -> None:
        """Remember what was published of a reservation, before its promises change."""
        if reservation not in self.before:
            self.before[reservation] = lines_of(row), sum(one.quantity for one in row.allocations)

    # The end of the step

    def save(self) -> None:
        """Put the row, or remove it once nothing has a date."""
        item = self.item
        if item.row.dated:
            item.state.put(curve_key(item.name), self.row)
        elif self._has_row:
            item.state.delete(curve_key(item.name))
        self._has_row = item.row.dated


def is_late(row: Reservation, promise: Promise) -> bool:
    """Return whether a promise is for a later day than is wanted, or of a reservation that is due."""
    return not row.undue or (row.wanted is not None and promise.day > row.wanted)


def lines_of(row: Reservation) -> list[tuple[int, int]]:
    """Return what is promised to a reservation by day: the days in order, with their units."""
    found: dict[int, int] = {}
    for one in row.promises:
        found[one.day] = found.get(one.day, 0) + one.quantity
    return sorted(found.items())


def _place_and_day(one: Promise) -> tuple[int, int]:
    return one.place, one.day
