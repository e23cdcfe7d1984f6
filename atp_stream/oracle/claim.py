"""One reservation as the oracle keeps it: what it asked for, what it holds, what it waits for. In hundredths."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from atp_stream.oracle.movements import unpaired
from atp_stream.oracle.stock import Gone


@dataclass(slots=True)
class Claim:
    """One reservation; what it holds, is promised and waits for, each in pieces.

    `held` are [number of the commit, open units, those of them that came out of a quota], `promises` are [place in the
    log of the request, units, those out of a quota, day], `waits` are [place in the log, units]. `wanted` is the day
    that it asks for, and while that is not near it is `undue`. `shipped` is what events let leave (stamp, units, the
    location they state), `adjusted` what adjustments that name it did, by location.
    """

    name: str
    at_us: int | None = None
    channel: str = ""
    asked: str | None = None
    requested: int = 0
    released: int = 0
    excess: int = 0
    shipped: list[Gone] = field(default_factory=list)
    adjusted: Counter[str] = field(default_factory=Counter)
    priority: int = 0
    partial: bool = False
    backorder: bool = True
    confirmed: bool = False
    expires_at_us: int | None = None
    timer_us: int | None = None  # when a tick may end it, or forget it: at its limit, but behind what set that
    forget_at_us: int | None = None  # when its retention is over; it begins with its end, or in front of its create
    location: str = ""
    reference: str | None = None
    ended: str = ""
    release_rest: bool = False
    denied: int = 0  # before time ended it: nobody gets that back
    fulfil_rest: tuple[int, str] | None = None  # its stamp and location
    held: list[list[int]] = field(default_factory=list)
    backorders: list[list[int]] = field(default_factory=list)
    promises: list[list[int]] = field(default_factory=list)
    wanted: int | None = None
    undue: bool = False
    known: set[Any] = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        """Whether it was created and has not ended: all others are forgotten in time."""
        return self.at_us is not None and not self.ended

    @property
    def reserved(self) -> int:
        """Units promised and not gone."""
        return sum(units for _, units, _ in self.held)

    @property
    def waiting(self) -> int:
        """Units that it waits for."""
        return sum(units for _, units in self.backorders)

    @property
    def promised(self) -> int:
        """Units promised for a day."""
        return sum(units for _, units, _, _ in self.promises)

    @property
    def lines(self) -> tuple[tuple[int, int], ...]:
        """What is promised by day."""
        found: Counter[int] = Counter()
        for _, units, _, day in self.promises:
            found[day] += units
        return tuple(sorted(found.items()))

    @property
    def fulfilled(self) -> int:
        """Units that left by events."""
        return sum(gone.quantity for gone in self.shipped)

    @property
    def departed(self) -> int:
        """Units that left: an event and an adjustment may state the same."""
        return self.adjusted.total() + sum(gone.quantity for gone in self.not_adjusted())

    @property
    def owed(self) -> int:
        """Units requested and neither given back nor gone."""
        return max(0, self.requested - self.released - self.departed)

    def not_adjusted(self) -> list[Gone]:
        """Return what left by events alone, and from where; adjustments took the rest out of the stock already."""
        gone = unpaired(self.shipped, self.adjusted)
        return [one._replace(location=one.location or self.location) for one in gone]

    @property
    def outcome(self) -> str:
        """Where it stands, in the domain's words."""
        if self.at_us is None:
            return "PENDING"
        if self.ended:
            return self.ended
        if self.confirmed:
            return "CONFIRMED"
        if not self.held:
            return "PROMISED" if self.promises and not self.backorders else "BACKORDERED"
        return "COMMITTED" if self.reserved >= self.owed else "PARTIAL"

    @property
    def earmarked(self) -> int:
        """Units that it holds, or is promised, out of a quota."""
        return sum(piece[2] for piece in (*self.held, *self.promises))

    def promise(self, place: int, units: int, earmarked: int, day: int) -> None:
        """Promise units of a request for a day, of them so many out of a quota."""
        same = [one for one in self.promises if (one[0], one[3]) == (place, day)]
        others = [one for one in self.promises if one not in same]
        there = [place, units + sum(one[1] for one in same), earmarked + sum(one[2] for one in same), day]
        self.promises = sorted([*others, there], key=lambda one: (one[0], one[3]))

    def unpromise(self, units: int, *, latest: bool) -> int:
        """Take promised units off: such as are given back of the latest day, such as leave of the earliest.

        Return how many of them came out of a quota.
        """
        earmarked = 0
        for one in sorted(self.promises, key=lambda one: (one[3], one[0]), reverse=latest):
            part = min(units, one[1])
            earmarked += take(one, part, earmarked_first=not latest)
            units -= part
        self.promises = [one for one in self.promises if one[1]]
        return earmarked


def take(piece: list[int], units: int, *, earmarked_first: bool) -> int:
    """Take units of a piece [.., units, earmarked ones of them, ..]; return how many came out of a quota."""
    before = piece[2]
    piece[1] -= units
    piece[2] = max(0, before - units) if earmarked_first else min(before, piece[1])
    return before - piece[2]


def drain(pieces: list[list[int]], units: int, *, oldest: bool) -> list[tuple[int, int, int]]:
    """Take units from pieces, and return what was taken of which, and how much of that came out of a quota.

    What is taken of the oldest leaves, and earmarked units leave first; what is given back goes back to the pool first.
    """
    taken = []
    while units:
        piece = pieces[0 if oldest else -1]
        part = min(units, piece[1])
        taken.append((piece[0], part, take(piece, part, earmarked_first=oldest)))
        units -= part
        if not piece[1]:
            pieces.remove(piece)
    return taken


def drain_backorders(backorders: list[list[int]], units: int, *, oldest: bool) -> None:
    """Take units off backorders."""
    while units:
        piece = backorders[0 if oldest else -1]
        part = min(units, piece[1])
        piece[1] -= part
        units -= part
        if not piece[1]:
            backorders.remove(piece)
