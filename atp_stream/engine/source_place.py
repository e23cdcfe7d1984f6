"""How far a partition of an input is in the item log, and how the group is told."""

from typing import NamedTuple


class Place(NamedTuple):
    """How far a source partition is in the log: all before `offset`; what comes next is of `time_ms`, or later."""

    offset: int
    time_ms: int = 0

    @classmethod
    def of(cls, offset: int, note: str) -> "Place":
        """Return the place that was committed with a note; one that is not ours says nothing of the time."""
        return cls(offset, int(note) if note.isdecimal() else 0)

    @property
    def note(self) -> str:
        """What is committed beside the offset."""
        return str(self.time_ms)
