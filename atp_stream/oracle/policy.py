"""What a policy document says of one item; only what the oracle knows, else `Unknown`."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

WHOLE: Final = 10_000
"""All of a weight, or of a percentage."""

_MICROS: Final = 1_000_000
_KNOWN: Final = {"kind", "buffer", "floor", "weight", "overflow", "rank", "min", "max_waiting"}
_KEYS_OF_KINDS: Final = {"weight": "SHARE", "overflow": "QUOTA", "rank": "QUOTA", "min": "QUOTA"}
_KNOWN_OF_ITEM: Final = {"safety_stock", "rule", "channels", "step", "supply", "frozen", "max_waiting_each"}
_KNOWN_OF_SUPPLY: Final = {
    "horizon",
    "ahead",
    "past_due_days",
    "past_due_offset",
    "dock_days",
    "receipt_grace",
    "project",
}
_KNOWN_OF_TENANT: Final = {*_KNOWN_OF_ITEM, "aliases", "shortage", "items", "time_limit"}
_KNOWN_OF_ALL: Final = {
    "stock", "drift_grace", "future_tolerance", "unknown_channels", "unknown_channel_limit", "default_channel",
    "retention", "shortage", "tenants",
}  # fmt: skip
_DAY_S: Final = 86_400
_RETENTION_S: Final = 7 * _DAY_S

FIRST: Final[Mapping[str, Any]] = {
    "tenants": {"*": {"channels": {channel: {} for channel in ("ECOM", "STORE", "B2B", "MARKETPLACE")}}}
}
"""The policy before any other."""


class Unknown(Exception):
    """The traffic goes beyond what this model knows."""


class Rule(NamedTuple):
    """What holds for a channel, in hundredths; a weight is hundredths of a per cent."""

    kind: str = "POOLED"
    buffer: int = 0
    floor: int = 0
    weight: int = 0
    overflow: bool = False
    rank: int = 1
    minimum: int = 0
    max_waiting: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that holds for one item; `percent` is hundredths of a per cent. A channel in `frozen` is among `channels`.

    `step` is the least quantity that is sold. `past_due_offset` is days.
    """

    window_us: int
    skew_us: int
    fixed: int
    percent: int
    step: int
    channels: Mapping[str, Rule]
    other: Rule
    frozen: frozenset[str]
    max_waiting_each: int | None
    time_limit_us: int | None
    aliases: Mapping[str, str]
    accepts: bool
    deallocates: bool
    grace_us: int
    retention_us: int
    horizon_days: int
    ahead_days: int
    past_due_days: int
    past_due_offset: int
    dock_days: int
    receipt_grace_us: int
    projects: bool
    limit: int = field(compare=False)
    default: str = field(compare=False)
    tolerance_us: int = field(compare=False)

    def closed(self, channel: str) -> bool:
        """Return whether a channel gets no new reservations, and shows 0."""
        return channel not in self.channels and (not self.accepts or channel in self.aliases)

    @property
    def divides(self) -> bool:
        """Whether any channel has a part of its own."""
        return any(rule.kind != "POOLED" for rule in (*self.channels.values(), self.other))

    def meant(self, channel: str) -> str:
        """Return the channel that a name stands for."""
        return channel if channel in self.channels else self.aliases.get(channel, channel)

    def rule(self, channel: str) -> Rule:
        """Return the rule that a channel lives by."""
        return self.channels.get(channel, self.other)

    def kind(self, channel: str) -> str:
        """Return how a channel may claim; what became another's name claims as that does."""
        meant = self.meant(channel)
        if meant in self.frozen or (meant not in self.channels and not self.accepts):
            return "FROZEN"
        return self.rule(meant).kind

    def thawed(self, channel: str) -> str:
        """Return what the kind of a channel would be without a freeze."""
        return self.rule(self.meant(channel)).kind

    def serves(self, channel: str) -> bool:
        """Return whether those who wait in a channel are served: also in one that became another's name."""
        return self.kind(channel) != "FROZEN"

    def serves_parts(self, channel: str) -> bool:
        """Return whether who waits gets what there is: of a claim that does not shrink, he would get all in time."""
        kind = self.kind(channel)
        lasts = self.closed(channel) and kind == "QUOTA" and not self.rule(self.meant(channel)).overflow
        return kind != "SHARE" and not lasts

    def may_wait(self, channel: str, of_one: int, in_all: int) -> bool:
        """Return whether so much of one claim, and in the whole channel, may wait."""
        most = self.rule(self.meant(channel)).max_waiting
        each = self.max_waiting_each
        return (each is None or of_one <= each) and (most is None or in_all <= most)

    def shown(self, channel: str, claim: int) -> int:
        """Return what is shown of the claim of a channel in which nobody waits."""
        if self.closed(channel):
            return 0
        rule = self.rule(channel)
        available = self.whole(claim - rule.buffer)
        return 0 if available < rule.floor else max(0, available)

    def whole(self, units: int) -> int:
        """Return what of some units can be sold: whole steps."""
        return units // self.step * self.step

    def safety_stock(self, basis: int) -> int:
        """Return what is never promised."""
        wanted = max(self.fixed * WHOLE, max(0, basis) * self.percent)
        return -(-wanted // (WHOLE * self.step)) * self.step


def rules(document: Mapping[str, Any], tenant: str, item: str, own: Mapping[str, Any] | None = None) -> Rules:
    """Return what a document says of an item; `own` stands in the place of what it says of this item alone.

    Raises:
        Unknown: it says more than this model knows.
    """
    tenants = document.get("tenants", {})
    section = tenants.get(tenant, tenants.get("*", {}))
    special = written_for(document, tenant, item) if own is None else own
    supply = special.get("supply") or section.get("supply") or {}
    _require_known(document, _KNOWN_OF_ALL)
    _require_known(section, _KNOWN_OF_TENANT)
    _require_known(special, _KNOWN_OF_ITEM)
    _require_known(supply, _KNOWN_OF_SUPPLY)
    safety = special.get("safety_stock") or section.get("safety_stock") or {}
    freezes = {**section.get("frozen", {}), **special.get("frozen", {})}
    frozen = [channel for channel, stops in freezes.items() if stops]
    each, limit = special.get("max_waiting_each", section.get("max_waiting_each")), section.get("time_limit")
    return Rules(
        window_us=window_us(document),
        skew_us=int(Decimal(str(document.get("stock", {}).get("skew", 0))) * _MICROS),
        fixed=_hundredths(safety.get("fixed", 0)),
        percent=_hundredths(safety.get("percent", 0)),
        step=_hundredths(special.get("step") or section.get("step") or "0.01"),
        channels=_channel_rules(special, section, frozen),
        other=_rule(special.get("rule"), section.get("rule")),
        frozen=frozenset(frozen),
        max_waiting_each=None if each is None else _hundredths(each),
        time_limit_us=None if limit is None else limit * _MICROS,
        aliases=section.get("aliases", {}),
        accepts=document.get("unknown_channels", "accept") == "accept",
        deallocates=section.get("shortage", document.get("shortage", "keep")) == "deallocate",
        grace_us=document.get("drift_grace", 30) * _MICROS,
        retention_us=max(document.get("retention", _RETENTION_S) * _MICROS, 2 * window_us(document)),
        **_of_supply(supply),
        limit=document.get("unknown_channel_limit", 32),
        default=document.get("default_channel", "ECOM"),
        tolerance_us=document.get("future_tolerance", 300) * _MICROS,
    )


def _of_supply(supply: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `Rules` that a section on supply sets."""
    return {
        "horizon_days": supply.get("horizon", 180),
        "ahead_days": supply.get("ahead", 0),
        "past_due_days": supply.get("past_due_days", 0),
        "past_due_offset": supply.get("past_due_offset", 1),
        "dock_days": supply.get("dock_days", 0),
        "receipt_grace_us": supply.get("receipt_grace", 3600) * _MICROS,
        "projects": supply.get("project", True),
    }


def _channel_rules(special: Mapping[str, Any], section: Mapping[str, Any], frozen: Iterable[str]) -> dict[str, Rule]:
    """Return the rules of the channels that are named: what is said of one item goes before what is said of all."""
    single, common = special.get("channels", {}), section.get("channels", {})
    return {
        name: _rule(single.get(name), special.get("rule"), common.get(name), section.get("rule"))
        for name in {**common, **single, **dict.fromkeys(frozen)}
    }


def _require_known(said: Mapping[str, Any], known: Collection[str]) -> None:
    unknown = said.keys() - known
    if unknown:
        raise Unknown(f"policy that says {', '.join(sorted(unknown))}")


def window_us(document: Mapping[str, Any]) -> int:
    """Return how late a fact may come, in microseconds."""
    return int(Decimal(str(document.get("stock", {}).get("window", _DAY_S))) * _MICROS)


def written_for(document: Mapping[str, Any], tenant: str, item: str) -> Mapping[str, Any]:
    """Return what a document says of one item alone."""
    tenants = document.get("tenants", {})
    found: Mapping[str, Any] = tenants.get(tenant, tenants.get("*", {})).get("items", {}).get(item, {})
    return found


def merged(before: Any, patch: Any) -> Any:
    """Return a document with a merge patch (RFC 7396) on it."""
    if not isinstance(patch, dict):
        return patch
    found = dict(before) if isinstance(before, dict) else {}
    for name, said in patch.items():
        found[name] = merged(found.get(name), said)
    return {name: said for name, said in found.items() if said is not None}


def edited(document: Mapping[str, Any], tenant: str, patch: Any) -> dict[str, Any]:
    """Return a document with a patch on the section of a tenant, which begins as a copy of that of all others."""
    tenants = document.get("tenants", {})
    section = merged(tenants.get(tenant, tenants.get("*")), patch)
    others = {name: said for name, said in tenants.items() if name != tenant}
    return {**document, "tenants": others if section is None else {**others, tenant: section}}


def contradicts(section: Mapping[str, Any] | None) -> bool:
    """Return whether a section says of a channel what its kind does not know, or shares nothing out."""
    said = section or {}
    parts = [said, *said.get("items", {}).values()]
    rules = [rule for part in parts for rule in (part.get("rule") or {}, *part.get("channels", {}).values())]
    return any(_contradicts(rule) for rule in rules)


def _contradicts(rule: Mapping[str, Any]) -> bool:
    kind = rule.get("kind", "POOLED")
    foreign = {name for name, owner in _KEYS_OF_KINDS.items() if kind != owner}
    return not foreign.isdisjoint(rule) or (kind == "SHARE" and not 0 < rule.get("weight", 0) <= 1)


def _rule(*sections: Mapping[str, Any] | None) -> Rule:
    said = next((section for section in sections if section), {})
    if not said.keys() <= _KNOWN:
        raise Unknown(f"policy of channels by {', '.join(sorted(said.keys() - _KNOWN))}")
    most = said.get("max_waiting")
    return Rule(
        kind=said.get("kind", "POOLED"),
        buffer=_hundredths(said.get("buffer", 0)),
        floor=_hundredths(said.get("floor", 0)),
        weight=int(Decimal(str(said.get("weight", 0))) * WHOLE),
        overflow=said.get("overflow", False),
        rank=said.get("rank", 1),
        minimum=_hundredths(said.get("min", 0)),
        max_waiting=None if most is None else _hundredths(most),
    )


def _hundredths(number: Any) -> int:
    return int(Decimal(str(number)) * 100)
