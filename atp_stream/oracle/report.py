"""What the books say in the end."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

_MAX_SHOWN = 12


@dataclass(slots=True, kw_only=True)
class Report:
    """Counts of what went in and came out, and every objection in words; without any, the books balance.

    `lost`, `doubled` and `oversold` count inputs, events and commits, not units. `short` counts the moments at which a
    fact about the stock left less than was promised before: nobody's fault, and shown apart. `refused` are all by
    their reason, `denied` those of them that were refused behind the log, by the ledger. `past` are facts that came
    too late and change nothing. `repeated` are log records that intake wrote twice after a crash, which the ledger must
    skip. Of promises by day `kept` counts how often one was reserved by its day, `redated` how often one was put off or
    taken away, because supply or stock was lost or a day was over, and `broken` how often that was without any cause.
    """

    events_in: int = 0
    skipped: int = 0
    commands: int = 0
    applied: int = 0
    duplicates: int = 0
    past: int = 0
    denied: int = 0
    repeated: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    out: Counter[str] = field(default_factory=Counter)
    reservations: Counter[str] = field(default_factory=Counter)
    items: int = 0
    rows: int = 0
    lost: int = 0
    doubled: int = 0
    oversold: int = 0
    short: int = 0
    kept: int = 0
    redated: int = 0
    broken: int = 0
    objections: list[str] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Whether there is nothing to object to."""
        return not self.objections

    def complain(self, words: str) -> None:
        """Note what is wrong."""
        self.objections.append(words)

    def complain_all(self, words: Iterable[str]) -> None:
        """Note all that is wrong."""
        self.objections += words

    def lose(self, words: str) -> None:
        """Note something that is missing."""
        self.lost += 1
        self.complain(f"lost: {words}")

    def double(self, words: str) -> None:
        """Note something that is there once too often."""
        self.doubled += 1
        self.complain(f"doubled: {words}")

    def plain(self) -> dict[str, object]:
        """Return the verdict for programs."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}  # asdict() miscounts a Counter
        return {"balanced": self.balanced, **found}

    def verdict(self) -> list[str]:
        """Return the two lines that all the others lead to."""
        counts = f"lost {self.lost:,}, doubled {self.doubled:,}, oversold {self.oversold:,}"
        if self.balanced:
            return [counts, "the books balance"]
        return [
            counts,
            f"THE BOOKS DO NOT BALANCE: {len(self.objections):,} objection{'s' * (len(self.objections) > 1)}",
        ]

    def lines(self) -> list[str]:
        """Return the verdict in lines for people, none wider than a terminal."""
        at_intake = self.refused.total() - self.denied
        answers = {
            "applied": self.applied,
            "duplicates": self.duplicates,
            "past": self.past,
            "refused by the ledger": self.denied,
        }
        answered = ", ".join(f"{count:,} {what}" for what, count in answers.items() if count or what == "applied")
        summary = (
            (
                "events in",
                self.events_in,
                f"{self.commands:,} into the log, {at_intake:,} refused, {self.skipped:,} not ours",
            ),
            ("commands", self.commands, answered),
            ("table rows", self.rows, f"of {self.items:,} items, compared with a fold of the log"),
        )
        found = [
            *(f"{name:<14} {count:>8,}  {more}" for name, count, more in summary),
            *_table("events out", self.out),
            *_table("refused", self.refused, f"{at_intake:,} at intake, {self.denied:,} by the ledger"),
            *_table("reservations", self.reservations),
            f"log records written twice by intake, and skipped by the ledger: {self.repeated:,}",
            *self._by_day(),
            f"{_times(self.short)} a fact about the stock left less than was promised",
            *self.verdict(),
        ]
        more = len(self.objections) - _MAX_SHOWN
        return [
            *found,
            *(f"  {words}" for words in self.objections[:_MAX_SHOWN]),
            *([f"  and {more} more"] if more > 0 else []),
        ]

    def _by_day(self) -> list[str]:
        events = self.out["ReservationPromisedEvent"]
        became = f"{self.kept:,} kept, {self.redated:,} put off, {self.broken:,} broken without a cause"
        return [f"promises by day, published {events:,} times: {became}"] if events else []


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _table(name: str, counts: Counter[str], more: str = "") -> list[str]:
    head = f"{name:<14} {counts.total():>8,}  {more}".rstrip()
    return [head, *(f"  {one:<30} {counts[one]:>8,}" for one in sorted(counts))]
