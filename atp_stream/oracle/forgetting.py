"""What an item forgets of its claims once their retention is over, and what it knows of them afterwards."""

from atp_stream.oracle.claim import Claim
from atp_stream.oracle.inputs import Asked
from atp_stream.oracle.policy import Rules
from atp_stream.oracle.pool import Pool


class Forgetting(Pool):
    """The units of one item, whose ended claims are forgotten but for the stamp of the newest create among them."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.forgotten_at_us: int | None = None

    def forget(self, claim: Claim) -> None:
        """Forget a claim; what left for it has left for good."""
        del self.claims[claim.name], self.limited[claim.name]
        self.shelf.forget(claim.name)
        if claim.at_us is not None:
            self.forgotten_at_us = max(claim.at_us, self.forgotten_at_us or claim.at_us)

    def keep(self, claim: Claim) -> None:
        """Let a claim that was to be forgotten begin, or begin again."""
        self.limited.pop(claim.name, None)
        claim.forget_at_us = None

    def is_too_old(self, asked: Asked) -> bool:
        """Return whether a message is no newer than a create that is forgotten: it may be about that one."""
        return self.forgotten_at_us is not None and asked.at_us <= self.forgotten_at_us

    def is_forgotten(self, asked: Asked) -> bool:
        """Return whether a message names a claim that may have been forgotten."""
        return self.is_too_old(asked) and asked.reservation not in self.claims
