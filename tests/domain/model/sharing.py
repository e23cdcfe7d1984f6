"""Who gets what when earmarks promise more than there is: the shortage rule, as it is written."""

from collections.abc import Callable
from typing import NamedTuple


class Quota(NamedTuple):
    channel: str
    granted: int
    consumed: int
    rank: int = 1
    minimum: int = 0

    @property
    def left(self) -> int:
        return max(0, self.granted - self.consumed)

    def in_steps(self, step: int) -> "Quota":
        """Return it counted in steps: what is left has as many as it can fill, a step that was begun is consumed."""
        begun = (self.consumed + step - 1) // step
        granted = begun + (self.granted - self.consumed) // step
        return self._replace(granted=granted, consumed=begun, minimum=self.minimum // step)


def earmarks(free: int, quotas: list[Quota]) -> dict[str, int]:
    """Return what each channel finds behind its earmark."""
    if sum(quota.left for quota in quotas) <= free:
        return {quota.channel: quota.left for quota in quotas}
    shares = dict.fromkeys((quota.channel for quota in quotas), 0)
    sharing = list(quotas)
    while True:
        given = handed_out(free + sum(quota.consumed for quota in sharing), sharing)
        within = [quota for quota in sharing if quota.consumed <= given[quota.channel]]
        if within == sharing:
            return shares | {quota.channel: given[quota.channel] - quota.consumed for quota in sharing}
        sharing = within


def handed_out(total: int, quotas: list[Quota]) -> dict[str, int]:
    """Return the part of its grant that each one gets of `total`: all minima by rank, then the rest by rank."""
    given = dict.fromkeys((quota.channel for quota in quotas), 0)
    wishes: list[Callable[[Quota], int]] = [lambda q: min(q.minimum, q.granted), lambda q: q.granted]
    for wish in wishes:
        for rank in sorted({quota.rank for quota in quotas}):
            wanted = {q.channel: wish(q) - given[q.channel] for q in quotas if q.rank == rank}
            for channel, units in portions(total - sum(given.values()), wanted).items():
                given[channel] += units
    return given


def portions(amount: int, wanted: dict[str, int]) -> dict[str, int]:
    """Return `amount` shared in proportion to what is wanted, none more than he wants; the largest remainder first."""
    whole = sum(wanted.values())
    if whole <= amount:
        return dict(wanted)
    given = {channel: amount * wish // whole for channel, wish in wanted.items()}
    by_remainder = sorted(wanted, key=lambda channel: (-(amount * wanted[channel] % whole), channel))
    for channel in by_remainder[: amount - sum(given.values())]:
        given[channel] += 1
    return given
