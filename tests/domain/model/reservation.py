"""A reservation as the model knows it: lists of what was promised, of backorders and of what has left."""

from collections import Counter
from dataclasses import dataclass, field

from tests.domain.model.pairing import Fulfilled, unpaired
from tests.domain.model.stock import Shipment


@dataclass
class Promise:
    """One allocation; `earmarked` of its units came from a quota, `asked` is the place in the log of the request."""

    place: int
    units: int
    earmarked: int
    asked: int


@dataclass
class Backorder:
    """Units that wait, at their place in the log."""

    place: int
    units: int


@dataclass
class DatedUnits:
    """Units promised for a day; `earmarked` of them came from a quota, `place` is that of the request."""

    place: int
    units: int
    earmarked: int
    day: int


@dataclass
class Reservation:
    """One reservation; `ended` says how, `runs_out` and `purge_at` when time meets it."""

    channel: str = ""
    asked: str | None = None
    created_at: int | None = None
    requested: int = 0
    released: int = 0
    fulfilled: list[Fulfilled] = field(default_factory=list)  # by events, from the location that they state
    adjusted: Counter[str] = field(default_factory=Counter)  # by location
    promised: list[Promise] = field(default_factory=list)
    backorders: list[Backorder] = field(default_factory=list)
    dated: list[DatedUnits] = field(default_factory=list)
    wanted: int | None = None
    due: bool = True
    priority: int = 0
    partial: bool = False
    backorder: bool = True
    confirmed: bool = False
    location: str = ""
    ended: str | None = None
    known: set[tuple[object, ...]] = field(default_factory=set)
    release_rest: bool = False
    fulfil_rest: tuple[int, str] | None = None
    expires_at: int | None = None
    runs_out: int | None = None
    purge_at: int | None = None
    expired: int = 0  # units that time took,
    owed_then: int = 0  # and what had been asked for and was not there yet

    def by_events(self) -> int:
        return sum(one.quantity for one in self.fulfilled)

    def moved(self) -> int:
        return self.adjusted.total() + sum(one.quantity for one in self.shipments())

    def held(self) -> int:
        return sum(promise.units for promise in self.promised)

    def waiting(self) -> int:
        return sum(part.units for part in self.backorders)

    def expected(self) -> int:
        return sum(one.units for one in self.dated)

    def has_any(self) -> bool:
        return bool(self.promised or self.backorders or self.dated)

    def is_open(self) -> bool:
        return self.created_at is not None and self.ended is None

    def expect(self, place: int, units: int, earmarked: int, day: int) -> None:
        """Promise units for a day, together with what is promised for it at that place already."""
        same = [one for one in self.dated if (one.place, one.day) == (place, day)]
        there, earmarked_there = sum(one.units for one in same), sum(one.earmarked for one in same)
        others = [one for one in self.dated if one not in same]
        self.dated = sorted(
            [*others, DatedUnits(place, there + units, earmarked_there + earmarked, day)], key=place_and_day
        )

    def hold(self, promise: Promise) -> None:
        """Hold units of the shelf; promises are in the order of their requests."""
        self.promised = sorted([*self.promised, promise], key=asked_at)

    def owed(self) -> int:
        return max(0, self.requested - self.released - self.moved())

    def taken_by_time(self) -> int:
        """Return what time took and has not been given back or left since."""
        return max(0, self.expired - (self.owed_then - self.owed()))

    def shipments(self) -> list[Shipment]:
        """Return what left by fulfilments, without the units that adjustments took out of the stock already."""
        if not self.fulfilled:
            return []
        return [
            Shipment(one.at, one.quantity, one.location or self.location)
            for one in unpaired(self.fulfilled, self.adjusted)
        ]

    def without_empty(self) -> None:
        self.promised = [promise for promise in self.promised if promise.units]
        self.backorders = [part for part in self.backorders if part.units]
        self.dated = [one for one in self.dated if one.units]

    def queue(self, place: int, units: int) -> None:
        """Queue units at a place in the log, together with what waits there already."""
        there = sum(part.units for part in self.backorders if part.place == place)
        others = [part for part in self.backorders if part.place != place]
        self.backorders = sorted([*others, Backorder(place, there + units)], key=lambda part: part.place)


def asked_at(promise: Promise) -> int:
    return promise.asked


def place_and_day(one: DatedUnits) -> tuple[int, int]:
    return one.place, one.day
