"""The result of a run, for people and for programs."""

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

from chaos.fleet import EXIT_GAVE_UP, Exit
from chaos.schedule import BROKER, BROKERS

_MAX_SHOWN = 15


@dataclass(slots=True, kw_only=True)
class Report:
    """One run; `lag_seconds` is the time from the last fault until all was caught up, None if it never was."""

    seed: int
    seconds: float
    inputs: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    restarts: int = 0
    exits: list[Exit] = field(default_factory=list)
    lag_seconds: float | None = None
    lost: int = 0
    doubled: int = 0
    oversold: int = 0
    stuck: list[str] = field(default_factory=list)
    objections: list[str] = field(default_factory=list)
    counted: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def struck(self) -> dict[str, int]:
        """How often each kind of fault happened: the summary of `kills` and `faults` by which runs are compared."""
        zombies = sum(count for name, count in self.faults.items() if name.startswith("freeze"))
        summary = {"kill -9": self.kills.total(), "zombies": zombies, "storms": self.faults["storm"]}
        of_brokers = (name for name in dict.fromkeys((*BROKER, *BROKERS)) if self.faults[name])
        return {**summary, **{name.replace("_", " "): self.faults[name] for name in of_brokers}}

    @property
    def wrong(self) -> int:
        """Objections that are neither a loss nor a double."""
        return max(0, len(self.objections) - self.lost - self.doubled)

    @property
    def passed(self) -> bool:
        """Whether there is nothing to object to."""
        return not self.objections and not self.stuck

    def plain(self) -> dict[str, Any]:
        """Return all of it for programs."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}  # asdict() miscounts a Counter
        said = {"passed": self.passed, "wrong": self.wrong, "struck": self.struck}
        return {**said, **found, "exits": [one._asdict() for one in self.exits]}

    def lines(self) -> list[str]:
        """Return it for people."""
        lag = "never" if self.lag_seconds is None else f"{self.lag_seconds:.1f} s"
        gave_up = [exit_ for exit_ in self.exits if exit_.code == EXIT_GAVE_UP]
        odd = [exit_ for exit_ in self.exits if exit_.code > 0 and exit_.code != EXIT_GAVE_UP]
        head = (
            f"seed {self.seed}, {self.seconds:.0f} s: {self.inputs:,} inputs, {self.kills.total()} kills, "
            f"{self.restarts} restarts, lag back to 0 after {lag}"
        )
        return [
            head,
            "  struck: " + ", ".join(f"{name} {count}" for name, count in self.struck.items()),
            *(f"  killed {point:<26} {count:>3}" for point, count in sorted(self.kills.items())),
            *(f"  fault  {name:<26} {count:>3}" for name, count in sorted(self.faults.items())),
            *(f"  gave up at {exit_.at:5.1f} s, {exit_.worker}: {exit_.words}" for exit_ in gave_up),
            *(f"  exit {exit_.code} at {exit_.at:5.1f} s, {exit_.worker}: {exit_.words}" for exit_ in odd),
            *(f"  note: {note}" for note in self.notes),
            *(f"  {name} {count:,}" for name, count in self.counted.items() if isinstance(count, int) and count),
            *(f"  stuck: {words}" for words in self.stuck),
            *(f"  {words}" for words in self.objections[:_MAX_SHOWN]),
            f"lost {self.lost}, doubled {self.doubled}, wrong {self.wrong}, stuck {len(self.stuck)}: "
            + ("passed" if self.passed else "FAILED"),
        ]
