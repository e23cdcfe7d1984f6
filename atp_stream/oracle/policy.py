"""What a policy document says of one item; only what the oracle knows, else `Unknown`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

_MICROS: Final = 1_000_000
_KNOWN: Final = {"buffer", "floor"}
_KNOWN_OF_ITEM: Final = {"safety_stock", "rule", "channels", "step", "supply"}
_KNOWN_OF_SUPPLY: Final = {
    "horizon",
    "ahead",
    "past_due_days",
    "past_due_offset",
    "dock_days",
    "receipt_grace",
    "project",
}
_KNOWN_OF_TENANT: Final = {*_KNOWN_OF_ITEM, "aliases", "shortage", "items"}
_KNOWN_OF_ALL: Final = {
    "stock", "drift_grace", "future_tolerance", "unknown_channels", "unknown_channel_limit", "default_channel",
    "retention", "shortage", "tenants",
}  # fmt: skip
_DAY_S: Final = 86_400
_RETENTION_S: Final = 7 * _DAY_S
_WHOLE: Final = 10_000

FIRST: Final[Mapping[str, Any]] = {
    "tenants": {"*": {"channels": {channel: {} for channel in ("ECOM", "STORE", "B2B", "MARKETPLACE")}}}
}
"""The policy before any other."""


class Unknown(Exception):
    """The traffic goes beyond what this model knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that holds for one item; a rule is (buffer, floor) in hundredths, `percent` hundredths of a per cent.

    `step` is the least quantity that is sold. `past_due_offset` is days.
    """

    window_us: int
    skew_us: int
    fixed: int
    percent: int
    step: int
    channels: Mapping[str, tuple[int, int]]
    other: tuple[int, int]
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

    def serves(self, channel: str) -> bool:
        """Return whether those who wait in a channel are served: also in one that became another's name."""
        return channel in self.aliases or not self.closed(channel)

    def shown(self, channel: str, free: int) -> int:
        """Return what of `free` is shown in a channel in which nobody waits."""
        if self.closed(channel):
            return 0
        buffer, floor = self.channels.get(channel, self.other)
        available = self.whole(free - buffer)
        return 0 if available < floor else max(0, available)

    def whole(self, units: int) -> int:
        """Return what of some units can be sold: whole steps."""
        return units // self.step * self.step

    def safety_stock(self, basis: int) -> int:
        """Return what is never promised."""
        wanted = max(self.fixed * _WHOLE, max(0, basis) * self.percent)
        return -(-wanted // (_WHOLE * self.step)) * self.step


def rules(document: Mapping[str, Any], tenant: str, item: str) -> Rules:
    """Return what a document says of an item.

    Raises:
        Unknown: it says more than this model knows.
    """
    tenants = document.get("tenants", {})
    section = tenants.get(tenant, tenants.get("*", {}))
    special = section.get("items", {}).get(item, {})
    supply = special.get("supply") or section.get("supply") or {}
    _require_known(document, _KNOWN_OF_ALL)
    _require_known(section, _KNOWN_OF_TENANT)
    _require_known(special, _KNOWN_OF_ITEM)
    _require_known(supply, _KNOWN_OF_SUPPLY)
    safety = special.get("safety_stock") or section.get("safety_stock") or {}
    own, common = special.get("channels", {}), section.get("channels", {})
    general = (special.get("rule"), section.get("rule"))
    return Rules(
        window_us=window_us(document),
        skew_us=int(Decimal(str(document.get("stock", {}).get("skew", 0))) * _MICROS),
        fixed=_hundredths(safety.get("fixed", 0)),
        percent=_hundredths(safety.get("percent", 0)),
        step=_hundredths(special.get("step") or section.get("step") or "0.01"),
        channels={name: _rule(own.get(name), general[0], common.get(name), general[1]) for name in {**common, **own}},
        other=_rule(*general),
        aliases=section.get("aliases", {}),
        accepts=document.get("unknown_channels", "accept") == "accept",
        deallocates=section.get("shortage", document.get("shortage", "keep")) == "deallocate",
        grace_us=document.get("drift_grace", 30) * _MICROS,
        retention_us=max(document.get("retention", _RETENTION_S) * _MICROS, 2 * window_us(document)),
        horizon_days=supply.get("horizon", 180),
        ahead_days=supply.get("ahead", 0),
        past_due_days=supply.get("past_due_days", 0),
        past_due_offset=supply.get("past_due_offset", 1),
        dock_days=supply.get("dock_days", 0),
        receipt_grace_us=supply.get("receipt_grace", 3600) * _MICROS,
        projects=supply.get("project", True),
        limit=document.get("unknown_channel_limit", 32),
        default=document.get("default_channel", "ECOM"),
        tolerance_us=document.get("future_tolerance", 300) * _MICROS,
    )


def _require_known(said: Mapping[str, Any], known: Collection[str]) -> None:
    unknown = said.keys() - known
    if unknown:
        raise Unknown(f"policy that says {', '.join(sorted(unknown))}")


def window_us(document: Mapping[str, Any]) -> int:
    """Return how late a fact may come, in microseconds."""
    return int(Decimal(str(document.get("stock", {}).get("window", _DAY_S))) * _MICROS)


def _rule(*sections: Mapping[str, Any] | None) -> tuple[int, int]:
    for section in sections:
        if section and not section.keys() <= _KNOWN:
            raise Unknown(f"policy of channels by {', '.join(section.keys() - _KNOWN)}")
        if section:
            return _hundredths(section.get("buffer", 0)), _hundredths(section.get("floor", 0))
    return 0, 0


def _hundredths(number: Any) -> int:
    return int(Decimal(str(number)) * 100)
