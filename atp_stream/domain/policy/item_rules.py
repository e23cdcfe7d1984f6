"""What holds for one item, and how much of it each of its channels may claim."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from atp_stream.domain.policy.channel_names import as_spelled, normal
from atp_stream.domain.policy.schema import Kind
from atp_stream.domain.stock.facts import StockRules
from atp_stream.domain.supply.rules import SupplyRules
from atp_stream.domain.time_units import US_PER_S


class Rule(msgspec.Struct, frozen=True):
    """How much a channel may claim, and what is held back from it: `buffer` always, everything below `floor`.

    `weight` is in ten-thousandths; `rank` and `minimum` count when quotas are short. `thawed` is the kind that is left
    when a freeze is lifted: a freeze lies over a rule and does not change what was granted. `max_waiting` is what may
    wait in the channel in all, None for any quantity.
    """

    buffer: int = 0
    floor: int = 0
    kind: Kind = Kind.POOLED
    weight: int = 0
    overflow: bool = False
    rank: int = 1
    minimum: int = 0
    thawed: Kind = Kind.POOLED
    max_waiting: int | None = None


_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_FROZEN: Final = Rule(kind=Kind.FROZEN, thawed=Kind.FROZEN)


class ItemRules(msgspec.Struct, frozen=True, kw_only=True):
    """All rules of one item.

    `percent` is in hundredths of one per cent, durations are in microseconds; `other` is for channels that nobody
    named. Claims are multiples of `step`. `max_waiting_each` is what may wait of one reservation, None for any
    quantity. `aliases` are the other names of channels, `spelled` all names by their normal form. `plain` says that
    every channel may claim the whole pool.
    """

    stock: StockRules = StockRules()
    fixed: int = 0
    percent: int = 0
    step: int = 1
    max_waiting_each: int | None = None
    channels: dict[str, Rule] = {}
    other: Rule = Rule()
    aliases: dict[str, str] = {}
    spelled: dict[str, str] = {}
    accepts_unknown: bool = True
    deallocates: bool = False
    time_limit_us: int | None = None
    retention_us: int = 7 * 24 * 60 * 60 * US_PER_S
    drift_grace_us: int = 30 * US_PER_S
    plain: bool = True
    supply: SupplyRules = SupplyRules()

    def rule(self, channel: str) -> Rule:
        """Return the rule of a channel: of another name, or spelling, that of the channel it stands for."""
        rule = self.channels.get(channel)
        if rule is not None:
            return rule
        named = self._named(channel)
        if named is not None:
            return self.channels[named]
        return self.other if self.accepts_unknown else _FROZEN

    def resolve(self, channel: str, known: Mapping[str, object] = _NOTHING) -> str:
        """Return the channel that `channel` stands for: one that policy names, else one in `known` spelled alike."""
        named = self._named(channel)
        return as_spelled(channel, known) if named is None else named

    def _named(self, channel: str) -> str | None:
        if channel in self.channels:
            return channel
        return self.aliases.get(channel) or self.spelled.get(normal(channel))

    def closed(self, channel: str) -> bool:
        """Return whether `channel` is neither named nor accepted unnamed: it shows 0 and gets no new reservations.

        What is in it already may wait and grow: in another name it is served, by `claims`, otherwise it waits. Another
        spelling of a name is another name.
        """
        return channel not in self.channels and (not self.accepts_unknown or self._named(channel) is not None)
