"""The shelf of one item, and the gap in its stock that is reported once it has lasted for a while."""

from dataclasses import dataclass

from atp_stream.oracle.grants import Grants
from atp_stream.oracle.policy import Rules
from atp_stream.oracle.reported import Reported
from atp_stream.oracle.shelf import Shelf


@dataclass(slots=True)
class Drift:
    """A gap: when a tick may report it, and the gap that was reported last."""

    timer_us: int | None
    reported: int = 0


class Drifting(Grants):
    """The stock of one item, and what is reported of it."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.shelf = Shelf()
        self.reported: list[Reported] = []
        self.drift: Drift | None = None
        self.alarm_us: int | None = None  # when a tick is to come, or an earlier moment at which it was to
        self._log_time_ms = 0

    def wake(self, moment: int) -> None:
        """Let a tick come at a moment, unless one comes earlier."""
        self.alarm_us = moment if self.alarm_us is None else min(self.alarm_us, moment)

    def _follow_drift(self) -> None:
        """Take note of a gap; the end of one that was reported is reported at once."""
        gap = self.shelf.gap()
        timer_us = self._log_time_ms * 1000 + max(1, self.rules.grace_us)
        if not gap:
            if self.drift is not None and self.drift.reported:
                self.reported.append(Reported("drift", "", 0, outcome="resolved"))
            self.drift = None
        elif self.drift is None:
            self.drift = Drift(timer_us)
            self.wake(timer_us)
        elif gap != self.drift.reported and self.drift.timer_us is None:
            self.drift.timer_us = timer_us
            self.wake(timer_us)

    def report_drift(self) -> None:
        """Report a gap that has lasted for its grace."""
        gap = self.shelf.gap()
        if self.drift is not None:
            self.drift.timer_us = None
            if gap != self.drift.reported:
                self.drift.reported = gap
                self.reported.append(Reported("drift", "", gap, outcome="detected"))
