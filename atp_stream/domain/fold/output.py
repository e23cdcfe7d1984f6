"""What one step has put out: its events, and how much it counts as having done."""

from atp_stream.domain.errors import Refused
from atp_stream.domain.events import AnyEvent, CommandRefused, Deferred


class Output:
    """The events of a step, and beside them what counts as output: units of work, visits, what publishing may tell."""

    __slots__ = ("_more", "events")

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self._more = 0

    @property
    def spent(self) -> int:
        """How much the step has put out."""
        return len(self.events) + self._more

    def spend(self, amount: int = 1) -> None:
        """Count a unit of work, or something like it, as output."""
        self._more += amount

    def refuse(
        self, name: str, version: int, offset: int, log_time: int, refused: Refused, deferred: Deferred | None = None
    ) -> None:
        """Report a command as refused."""
        self.events.append(
            CommandRefused(
                name=name, version=version, at=log_time, offset=offset, ordinal=0, reason=refused.reason,
                detail=refused.detail, deferred=deferred,
            )
        )  # fmt: skip
