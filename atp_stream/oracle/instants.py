"""The facts of one location that bear the same stamp: a set, for nobody knows their order.

Each absolute is a link: an adjustment leads from what it states less its delta to what it states, a count leads from
what it states to itself. Links that meet in a value are a chain.
"""

from collections import Counter
from functools import cached_property

from atp_stream.oracle.stock import Said


class Instant:
    """All facts of a stamp."""

    def __init__(self) -> None:
        self.facts: list[Said] = []

    def add(self, fact: Said) -> "Instant":
        """Return the instant with one fact more."""
        more = Instant()
        more.facts = [*self.facts, fact]
        return more

    @cached_property
    def stated(self) -> list[int]:
        """What its absolutes say."""
        return [fact.absolute for fact in self.facts if fact.absolute is not None]

    @cached_property
    def own(self) -> list[int]:
        """What those say that ship no reservation."""
        return [fact.absolute for fact in self.facts if fact.absolute is not None and not fact.reservation]

    @cached_property
    def counted(self) -> bool:
        """Whether it has a count."""
        return any(fact.delta is None for fact in self.facts)

    @cached_property
    def delta(self) -> int:
        """The sum of all deltas."""
        return sum(fact.delta or 0 for fact in self.facts)

    @cached_property
    def taken(self) -> int:
        """Deltas below 0 that state no absolute: at the stamp of a count nobody knows whether it includes them."""
        bare = (fact.delta for fact in self.facts if fact.absolute is None and fact.delta is not None)
        return sum(delta for delta in bare if delta < 0) if self.counted else 0

    @cached_property
    def ends(self) -> set[int]:
        """Where it may have ended: at the values of a chain entered more often than left, or else at any of its."""
        links = [(fact.absolute - (fact.delta or 0), fact.absolute) for fact in self.facts if fact.absolute is not None]
        surplus = Counter(to for _, to in links)
        surplus.subtract(start for start, _ in links)
        chains = {value: {value} for link in links for value in link}
        for start, to in links:
            one, other = chains[start], chains[to]
            if one is not other:
                small, large = sorted((one, other), key=len)
                large |= small
                chains |= dict.fromkeys(small, large)
        distinct = {id(chain): chain for chain in chains.values()}
        return {
            value
            for chain in distinct.values()
            for value in ({value for value in chain if surplus[value] > 0} or chain)
        }

    @property
    def sure(self) -> int | None:
        """Where its absolutes say that it ended, None if they leave it in doubt."""
        return next(iter(self.ends)) if len(self.ends) == 1 else None

    @property
    def asks(self) -> bool:
        """Whether what was before decides where it ended."""
        return self.sure is None and not self.counted

    def end(self, before: int) -> int:
        """Return the stock after it; `before` is the stock before it."""
        end = self.sure
        if end is None:
            expected = before + self.delta
            end = expected if self.asks and expected in self.ends else min(self.stated)
        return end + self.taken

    @property
    def basis(self) -> int:
        """What a percentage is taken of: where it surely ended if all of it is its own, else what withholds most."""
        return self.sure if self.sure is not None and len(self.own) == len(self.stated) else max(self.own)
