"""Errors that say whose fault it is: a refused message is the sender's, everything else is ours."""


class Refused(Exception):
    """The message breaks the contract; it goes to the dead letters.

    `reason` is stable snake_case text that readers may count by and alert on; `detail` is for people and may change.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        """Refuse for `reason`; `detail` says what was found."""
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        """Return the reason with its detail."""
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


class Broken(Exception):
    """A fault of ours showed; `offset` names the entry, or (below 0) the unit of unfinished work, that it befell."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the fold broke at {offset}")
        self.offset = offset
