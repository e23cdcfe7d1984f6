"""What one step has put out, and how much it may."""

from atp_stream.domain.errors import Refused
from atp_stream.domain.events import AnyEvent, CommandRefused, Deferred
from atp_stream.domain.limits import Limits


class Output:
    """The events of a step, and beside them what counts as output: units of work, visits, what publishing may add."""

    __slots__ = ("_more", "events", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.events: list[AnyEvent] = []
        self._more = 0

    @property
    def spent(self) -> int:
        """How much the step has put out."""
        return len(self.events) + self._more

    @property
    def is_full(self) -> bool:
        """Return whether the step takes no further command."""
        return self.spent >= self.limits.step_output

    def spend(self, amount: int = 1) -> None:
        """Count a unit of work, or something like it, as output."""
        self._more += amount

    def refuse(
        self, name: str, version: int, offset: int, log_time_ms: int, refused: Refused, deferred: Deferred | None = None
    ) -> None:
        """Report a command as refused."""
        self.events.append(
            CommandRefused(
                name=name, version=version, log_time_ms=log_time_ms, offset=offset, ordinal=0, reason=refused.reason,
                detail=refused.detail, deferred=deferred,
            )
        )  # fmt: skip
