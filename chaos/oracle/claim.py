"""One reservation in the books: what it asked for, what it holds, what it waits for. Quantities in hundredths."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Claim:
    """One reservation; `held` are [number of the commit, open units], `waits` are [place in the log, units]."""

    at: int | None = None
    channel: str = ""
    requested: int = 0
    released: int = 0
    fulfilled: int = 0
    priority: int = 0
    partial: bool = False
    backorder: bool = True
    confirmed: bool = False
    ended: str = ""
    release_rest: bool = False
    fulfil_rest: int | None = None  # its stamp
    held: list[list[int]] = field(default_factory=list)
    waits: list[list[int]] = field(default_factory=list)
    known: set[Any] = field(default_factory=set)

    @property
    def reserved(self) -> int:
        """Units promised and not gone."""
        return sum(units for _, units in self.held)

    @property
    def waiting(self) -> int:
        """Units that it waits for."""
        return sum(units for _, units in self.waits)

    @property
    def owed(self) -> int:
        """Units requested and neither given back nor gone."""
        return max(0, self.requested - self.released - self.fulfilled)

    @property
    def outcome(self) -> str:
        """Where it stands, in the domain's words."""
        if self.at is None:
            return "PENDING"
        if self.ended:
            return self.ended
        if self.confirmed:
            return "CONFIRMED"
        return "BACKORDERED" if not self.held else "COMMITTED" if self.reserved >= self.owed else "PARTIAL"


def drain(pieces: list[list[int]], units: int, *, oldest: bool) -> list[tuple[int, int]]:
    """Take units from pieces, and return what was taken of which."""
    taken = []
    while units:
        piece = pieces[0 if oldest else -1]
        part = min(units, piece[1])
        piece[1] -= part
        units -= part
        taken.append((piece[0], part))
        if not piece[1]:
            pieces.remove(piece)
    return taken
