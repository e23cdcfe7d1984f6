"""Facts about the stock of one location, and what an instant of them makes of it.

Law: `after` looks at the facts of an instant as a set; their order does not exist. So the order in which facts of
different instants are folded is that of their stamps, and the order of arrival cannot show.
Amounts are whole hundredths, stamps are microseconds since the epoch. Source: domain.md, Stock.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

NEVER: Final = -(2**62)
"""A stamp before all others: of the newest absolute where there is none."""

LIMIT: Final = 10**15
"""A location's value and gap stop here, ten times the greatest amount a message may state: no row outgrows 64 bits."""


class Fact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a message says about the stock of a location.

    An adjustment has `delta` and `absolute` (the stock after it), a delta no absolute, a count no delta.
    `reservation` says that the movement ships a reservation. `id` names the fact.
    """

    at: int
    id: str
    delta: int | None
    absolute: int | None
    reservation: bool = False


class Standing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a location stands after an instant.

    `gap` is what the facts since the first absolute, or the last count, do not explain; a diagnosis, not stock.
    `absolute_at` is the stamp of the newest absolute (from then on the location is *based*), `basis` the value of the
    newest one that ships no reservation.
    """

    value: int = 0
    gap: int = 0
    absolute_at: int = NEVER
    basis: int = 0


Shipped: TypeAlias = Callable[[int, int], int]
"""The units that left after the first stamp, and not after the second: what an absolute is the first to include."""


def after(before: Standing, at: int, facts: Sequence[Fact], shipped: Shipped) -> Standing:
    """Return how the location stands after the instant `at`, which is made of `facts` (not empty)."""
    expected = before.value
    stated: list[Fact] = []
    for fact in facts:  # plain loops, here and below: mostly there is one fact, and every one pays for this
        expected += fact.delta or 0
        if fact.absolute is not None:
            stated.append(fact)
    if not stated:
        return Standing(_limited(expected), before.gap, before.absolute_at, before.basis)
    end = _end(stated, expected)
    if before.absolute_at == NEVER or any(fact.delta is None for fact in stated):
        gap = 0
    else:
        unexplained = end - expected
        explained = unexplained + shipped(before.absolute_at, at)
        gap = before.gap + (explained if abs(explained) < abs(unexplained) else unexplained)
    return Standing(end, _limited(gap), at, _basis(stated, end, before.basis))


def ends(stated: Iterable[Fact]) -> set[int]:
    """Return the values at which the absolutes of one instant may have ended.

    An adjustment is a link from the value before it to the value after it, a count a link of length 0. Of each chain
    it is the value entered more often than left; a closed one may have ended at any of its values.
    """
    balance: dict[int, int] = {}
    chains: dict[int, set[int]] = {}
    for fact in stated:
        entered = fact.absolute or 0
        left = entered - (fact.delta or 0)
        balance[entered] = balance.get(entered, 0) + 1
        balance[left] = balance.get(left, 0) - 1
        chain = chains.setdefault(left, {left}) | chains.setdefault(entered, {entered})
        chains.update(dict.fromkeys(chain, chain))
    found: set[int] = set()
    for chain in chains.values():
        found |= {value for value in chain if balance[value] > 0} or chain
    return found


def _end(stated: Sequence[Fact], expected: int) -> int:
    """Choose among the ends; in doubt, under-promise."""
    if len(stated) == 1:
        return stated[0].absolute or 0
    candidates = ends(stated)
    counts = {fact.absolute for fact in stated if fact.delta is None}
    return expected if expected in candidates and len(counts) <= 1 else min(candidates)


def _basis(stated: Sequence[Fact], end: int, before: int) -> int:
    """Return the newest absolute without a reservation; in doubt the largest, for it withholds most."""
    if len(stated) == 1:
        return before if stated[0].reservation else end
    own = [fact for fact in stated if not fact.reservation]
    if len(own) == len(stated):
        return end
    candidates = ends(own)
    if not candidates:
        return before
    return end if end in candidates else max(candidates)


def _limited(amount: int) -> int:
    return amount if -LIMIT <= amount <= LIMIT else max(-LIMIT, min(LIMIT, amount))
