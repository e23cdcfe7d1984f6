"""Why a number by date is what it is: what will be there, less what is kept for later, derived again from the rows.

Law: the terms of a channel add up to what it may promise on the day; without what is kept for later, those of what is
free are what will be there and is not promised by then. All quantities are whole hundredths.
Source: docs/rules/dates.md#curve.
"""

from collections.abc import Mapping
from typing import Final

from atp_stream.domain.policy.item_rules import ItemRules
from atp_stream.domain.promise import availability
from atp_stream.domain.promise.curve import drawn
from atp_stream.domain.promise.explanation import Explanation, Term, add, explained
from atp_stream.domain.state.rows import Item
from atp_stream.domain.supply import register
from atp_stream.domain.supply.days import end_of, expected
from atp_stream.domain.supply.rows import CurveRow, Supply

MAX_SUPPLIES: Final = 20
"""So many supplies are terms of their own, those of the earliest days; the others are one."""


def explain_day(
    item: Item, rules: ItemRules, row: CurveRow, supplies: Mapping[str, Supply], day: int, today: int
) -> Explanation:
    """Return the terms of an item's numbers on a day that is not before today.

    `supplies` are those whose terms are kept apart, if they count; of the others only the sum is known.
    """
    stock = item.stock
    reserved = sum(channel.reserved for channel in item.channels.values())
    safety = item.safety_stock if item.quarantine else availability.safety_stock(rules, stock.basis)
    terms = [Term("on_hand", stock.on_hand), Term("safety_stock", -safety), Term("reserved", -reserved)]
    _add_supplies(terms, rules, row, supplies, day, today)
    add(terms, "arriving", sum(one.units for one in row.arriving))
    add(terms, "promised", -sum(one.promised for one in row.days if max(one.day, today) <= day))
    units = sum(term.quantity for term in terms)
    left = max(0, units)
    free = left - left % rules.step
    add(terms, "never_below_zero", left - units)
    add(terms, "less_than_step", free - left)
    curve = drawn(row, stock.on_hand - reserved, safety, today, rules.supply, rules.step)
    place = curve.place(day)
    level = curve.levels[place]
    lowest = min(range(place, len(curve.points)), key=curve.points.__getitem__)
    add(terms, "kept_for_later", level - free, day=curve.days[lowest])
    return explained(item, rules, level, terms)


def _add_supplies(
    terms: list[Term], rules: ItemRules, row: CurveRow, supplies: Mapping[str, Supply], day: int, today: int
) -> None:
    """Add what is expected by a day, supply by supply."""
    end = end_of(row.days, today, rules.supply)

    def counts_on(stated: int) -> int | None:
        found = expected(stated, today, end, rules.supply)
        return found if found is not None and found <= day else None

    left = sum(one.supply for one in row.days if counts_on(one.day) is not None)
    dated = []
    for name, supply in supplies.items():
        holds, units = register.holds(supply), register.open_units(supply)
        on = None if holds is None or not register.counts(supply) else counts_on(holds.day)
        if on is not None and units:
            dated.append((on, name, units))
    for on, name, units in sorted(dated)[:MAX_SUPPLIES]:
        add(terms, "supply", units, supply=name, day=on)
        left -= units
    add(terms, "other_supplies", left)
