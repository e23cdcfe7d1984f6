"""The laws of supplies and promises by day, on random histories with everything mixed in.

They are checked on the model, which recomputes every number; `test_dates_model` holds the product to it.
"""

import copy
import pickle
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, TypeVar

from hypothesis import given, settings

from atp_stream.domain.commands import Confirm, Entry, ReceiveSupply, Release, Reserve, ScheduleSupply
from tests.domain.model.dates import MILLISECONDS, NOW, Coming
from tests.domain.model.document import Rules
from tests.domain.model.item import ItemModel
from tests.domain.model.numbers import Channel, Drift
from tests.domain.model.partition import Model
from tests.domain.model.reservation import Backorder, DatedUnits, Promise, Reservation
from tests.domain.model.supply import SupplyModel
from tests.domain.support.dated_histories import dated_histories, history
from tests.domain.support.log import LAMP
from tests.domain.support.sizes import nightly

FOR_GOOD: Final = {"rest_dropped", "too_much_waits"}
"""Reasons for which units are not given, and do not wait either."""

MANY = settings(max_examples=nightly(10_000, 30))


class Audited(ItemModel):
    """An item that checks each act while it does it."""

    lost_any = False

    def others(self, channel: str) -> dict[str, int]:
        return {one: units for one, units in self.earmarks().items() if one != channel}

    def keeps_earmarks(self, before: dict[str, int]) -> None:
        """J12: no act lowers another channel's earmark, but by a step."""
        now = self.earmarks()
        assert all(now[one] >= units - self.rules.step() for one, units in before.items())

    def expect(self, name: str, units: int, place: int, day: int) -> None:
        channel = self.reservations[name].channel
        before, claim = self.others(channel), self.claim_on(channel, day)
        super().expect(name, units, place, day)
        assert units <= claim  # J1
        assert day >= self.today()
        assert self.reservations[name].wanted is None or day >= (self.reservations[name].wanted or 0)
        self.keeps_earmarks(before)

    def promise(self, name: str, units: int, asked: int) -> None:
        super().promise(name, units, asked)
        assert self.all_reserved() <= max(0, self.on_hand() - self.safety_stock())  # J3

    def redeem(self, name: str, one: DatedUnits, cap: int) -> bool:
        before = self.others(self.reservations[name].channel)
        redeemed = super().redeem(name, one, cap)
        if redeemed:
            assert self.all_reserved() <= self.on_hand()  # J3
            self.keeps_earmarks(before)
        return redeemed

    def hasten(self, name: str, reservation: Reservation, head: tuple[int, int, str, int, str]) -> bool:
        before, units = self.others(reservation.channel), reservation.held() + reservation.expected()
        helped = super().hasten(name, reservation, head)
        assert units == reservation.held() + reservation.expected()
        self.keeps_earmarks(before)
        return helped

    def lose(self, name: str, one: DatedUnits, units: int) -> None:
        self.lost_any = True
        super().lose(name, one, units)


class AuditedModel(Model):
    makes = Audited


Known = TypeVar("Known", bound=ItemModel)


CHANGED_IN_PLACE: Final = Reservation, Promise, Backorder, DatedUnits, SupplyModel, Coming, Channel, Drift


def copied(item: Known) -> Known:
    """Copy an item; what is never changed in place is not copied."""
    found = copy.copy(item)
    found.__dict__.update({name: own(value) for name, value in vars(item).items()})
    return found


def own(value: Any) -> Any:
    """Return a copy of what may be changed, in all its parts; a history is copied some hundred times."""
    if isinstance(value, CHANGED_IN_PLACE):
        found = copy.copy(value)
        found.__dict__.update({name: own(part) for name, part in vars(value).items()})
        return found
    if isinstance(value, dict):
        return value.copy() if isinstance(value, Counter) else {name: own(part) for name, part in value.items()}
    if isinstance(value, list):
        return [own(part) for part in value]
    return set(value) if isinstance(value, set) else value


def promised(item: ItemModel) -> dict[str, Any]:
    return {
        name: ([(one.units, one.asked) for one in reservation.promised],
               [(part.place, part.units) for part in reservation.backorders],
               [(one.place, one.units, one.earmarked, one.day) for one in reservation.dated])
        for name, reservation in item.reservations.items()
    }  # fmt: skip


def at_rest(item: Audited) -> None:
    """Check what holds between any two commands."""
    curve, safety = item.curve(), item.safety_stock()
    dated = list(item.all_dated())
    for point, units in curve.items():  # J2
        assert units + safety >= 0 or not any(one.day <= point for _, one in dated)
    levels = list(item.levels().values())
    assert sorted(levels, reverse=True) == levels  # J14: counted from the last point to the first
    denied = {event[1] for event in item.events if event[0] == "denied" and event[4] in FOR_GOOD}
    for name, reservation in item.reservations.items():  # J20
        if reservation.is_open():
            units = reservation.held() + reservation.waiting() + reservation.expected()
            assert units == reservation.owed() or (
                units < reservation.owed() and (name in denied or reservation.expired)
            )
    for channel in item.channels:  # J4
        assert item.consumed(channel) >= sum(
            one.earmarked for name, one in dated if item.reservations[name].channel == channel
        )
    in_days = [
        (item.counted_on(supply.day() or 0), supply.open())
        for supply in item.supplies.values()
        if supply.day() is not None
    ]
    if not item.coming and not any(day is not None and day <= item.today() for day, _ in in_days):
        assert all(one.day > item.today() for _, one in dated)  # J7
    if all(units + safety >= 0 for units in curve.values()):
        assert has_pegging(item, in_days)  # J17
    again = copied(item)
    again.serve()
    assert promised(item) == promised(again)  # J16
    quiet_days(item, curve)


def has_pegging(item: ItemModel, in_days: list[tuple[int | None, int]]) -> bool:
    """Return whether shelf and supplies can be assigned to the promises: the earliest promise from the earliest."""
    supplies = [(NOW, item.on_hand() - item.all_reserved())]
    supplies += [(item.today(), one.units) for one in item.coming]
    supplies += [(day, units) for day, units in in_days if day is not None]
    left = sorted(supplies)
    for _, one in sorted(item.all_dated(), key=lambda pair: pair[1].day):
        need = one.units
        for place, (day, units) in enumerate(left):
            taken = min(need, units) if day <= one.day else 0
            left[place], need = (day, units - taken), need - taken
        if need:
            return False
    return True


def quiet_days(item: ItemModel, curve: dict[int, int]) -> None:
    """J18: until the next boundary, time changes no value by date."""
    if item.boundary is not None and item.boundary - 1 > item.now // MILLISECONDS:
        later = copied(item)
        later.now = (item.boundary - 1) * MILLISECONDS
        after = later.curve()
        assert all(curve[point] == units for point, units in after.items() if point in curve)
        assert item.boundary == later.next_boundary()


def days_of(reservation: Reservation) -> list[int]:
    return sorted(one.day for one in reservation.dated for _ in range(one.units))


def no_loss(command: Any, before: ItemModel, after: Audited) -> bool:
    """Return whether a command can have taken nothing: then no promise of another reservation moves to a later day."""
    if after.on_hand() < before.on_hand():
        return False
    if isinstance(command, ScheduleSupply):
        return command.supply not in before.supplies or gains(
            before.supplies[command.supply], after.supplies[command.supply], before.today()
        )
    if isinstance(command, ReceiveSupply):
        units = command.quantity
        moves = not command.moves_stock and not before.is_held(command)
        return units is not None and not command.final and moves  # J19, J10
    return isinstance(command, Reserve | Release | Confirm)


def gains(was: SupplyModel, now: SupplyModel, today: int) -> bool:
    """Return whether a supply is of no fewer units, on no later day."""
    if was.day() is None:
        return now.day() is not None or not was.open()
    day, earlier = now.day(), was.day() or 0
    return day is not None and today <= day <= earlier and now.open() >= was.open()


def nobody_is_overtaken(command: Reserve, before: ItemModel, after: Audited) -> None:
    """J6: a new reservation gets nothing while one of its priority or above still waits in front of it."""
    new = after.reservations[command.reservation]
    if command.reservation in before.reservations or not new.held() + new.expected():
        return
    for name, reservation in before.reservations.items():
        now = after.reservations.get(name)
        if (
            now is not None
            and reservation.channel == new.channel
            and reservation.due
            and reservation.priority >= new.priority
        ):
            still = {part.place for part in now.backorders}
            assert not still & {part.place for part in reservation.backorders}


def stable(command: Any, before: ItemModel, after: Audited) -> None:
    """J5: no promise of another reservation is lost or later."""
    for name, reservation in before.reservations.items():
        now = after.reservations.get(name)
        if now is None or now.ended is not None or name == getattr(command, "reservation", None):
            continue
        redeemed = now.held() - reservation.held()
        for day in (max(one, after.today()) for one in days_of(reservation)):
            kept = sum(one <= day for one in days_of(now)) + redeemed
            assert kept >= sum(one <= day for one in days_of(reservation))


def another_day(command: Reserve, before: ItemModel, after: Audited) -> None:
    """J21: a newer create of the same quantity costs no promise."""
    reservation, now = before.reservations.get(command.reservation), after.reservations[command.reservation]
    if reservation is not None and now.is_open() and reservation.requested == command.quantity:
        assert now.held() + now.expected() >= min(reservation.held() + reservation.expected(), now.owed())


def raises(before: ItemModel, after: Audited) -> None:
    """J10: no point is lower than it was."""
    was, now = before.curve(), after.curve()
    reserved = after.all_reserved() - before.all_reserved()
    if not reserved and promised(before) == promised(after):
        assert all(now[point] >= units for point, units in was.items() if point in now)


def test_a_copy_of_an_item_is_equal_and_shares_nothing_that_may_change() -> None:
    item = next(item for number in range(99) if (item := Model(history([number] * 30)).items.get(LAMP)) is not None)
    assert pickle.dumps(copy.deepcopy(item)) == pickle.dumps(copy.deepcopy(copied(item)))
    item.counted, other, mutable = None, copied(item), (*CHANGED_IN_PLACE, list, dict, set)
    other.counted = None  # what was counted is counted anew, never changed
    assert not {*parts_of(item, mutable)} & {*parts_of(other, mutable)}


def parts_of(value: Any, kinds: tuple[type, ...]) -> Iterator[int]:
    """Yield the ids of all that may change in a value, rules excepted."""
    if isinstance(value, kinds):
        yield id(value)
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | set | tuple) else ()
    named = vars(value).values() if hasattr(value, "__dict__") and not isinstance(value, Rules) else ()
    for part in (*inside, *named):
        yield from parts_of(part, kinds)


@MANY
@given(dated_histories())
def test_no_history_breaks_a_law(entries: list[Entry]) -> None:
    model = AuditedModel()
    for entry in entries:
        item = model.items.get(LAMP)
        before = None if item is None else copied(item)
        refused = len(model.refused)
        if isinstance(item, Audited):
            item.lost_any = False
        model.hear(entry)
        after = model.items.get(LAMP)
        if not isinstance(after, Audited):
            continue
        at_rest(after)
        if before is None or entry.name != LAMP or len(model.refused) > refused:
            continue
        if isinstance(entry.command, Reserve):
            another_day(entry.command, before, after)
            nobody_is_overtaken(entry.command, before, after)
        if no_loss(entry.command, before, after):
            stable(entry.command, before, after)
            if isinstance(entry.command, ReceiveSupply):
                assert not after.lost_any  # J19
                raises(before, after)


@MANY
@given(dated_histories(most=20))
def test_j8_a_reservation_that_is_made_and_released_restores_everything(entries: list[Entry]) -> None:
    model = Model(entries)
    item = model.items.get(LAMP)
    quiet = item is not None and not any(
        reservation.backorders
        or any(
            reservation.due or one.day > (reservation.wanted or 0) or one.day == item.today()
            for one in reservation.dated
        )
        for reservation in item.reservations.values()
    )
    if item is None or not quiet:
        return
    last = entries[-1]
    head: dict[str, Any] = {"event_id": "new", "at_us": last.log_time_ms * 1_000, "reservation": "new"}
    for wanted in (None, item.today() + 2):
        before = promised(item), item.curve(), {channel: item.consumed(channel) for channel in item.channels}
        again = copy.deepcopy(model)
        made = Reserve(**head, quantity=3, channel="ECOM", wanted=wanted)
        again.hear(Entry(0, last.offset + 1, last.log_time_ms, LAMP, made))
        again.hear(Entry(0, last.offset + 2, last.log_time_ms, LAMP, Release(**{**head, "event_id": "gone"})))
        after = again.items[LAMP]
        after.reservations.pop("new", None)
        consumed = {channel: after.consumed(channel) for channel in item.channels if channel in after.channels}
        assert before == (promised(after), after.curve(), {**before[2], **consumed})
