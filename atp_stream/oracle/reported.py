"""What must have been published, in the model's words."""

from typing import Final, NamedTuple

OF_MANY: Final = -(10**9)
"""What a policy or a tick causes is numbered from here on: one place in the log causes events of many items."""


class Reported(NamedTuple):
    """An event that must have been published; `number` is the item's how-many-eth commit, of an allocation.

    `by_day` is what a promise says more: the wanted day, lines of day and units, and what waits and is reserved.
    """

    topic: str
    channel: str
    quantity: int
    number: int = -1
    reservation: str = ""
    outcome: str = ""
    reason: str = ""
    by_day: tuple[int | None, tuple[tuple[int, int], ...], int, int] | None = None
