"""How much one unit of work may do before others have their turn."""

from typing import Final

SLICE: Final = 500
"""So many reservations are served, ended or taken back, or items visited, in one go.

Source: docs/rules/identity.md#slices.
"""


class SliceBudget:
    """What is left of a slice."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = SLICE

    def take(self) -> bool:
        """Take one place; tell whether there was one."""
        if not self.left:
            return False
        self.left -= 1
        return True
