"""The policy as plain JSON values: what it says of an item, how a patch changes it, and what contradicts itself."""

from dataclasses import dataclass
from typing import Any

import msgspec

FIRST: dict[str, Any] = {"tenants": {"*": {"channels": {"ECOM": {}, "STORE": {}, "B2B": {}, "MARKETPLACE": {}}}}}


class Refusal(Exception):
    """A command that changes nothing; the text is its reason."""


def merged(start: Any, patch: Any) -> Any:
    """Return what RFC 7396 says."""
    if not isinstance(patch, dict):
        return patch
    result = dict(start) if isinstance(start, dict) else {}
    for name, value in patch.items():
        result[name] = merged(result.get(name), value)
    return {name: value for name, value in result.items() if value is not None}


def stated(text: bytes) -> dict[str, Any]:
    """Return a document that may be lived by."""
    document: dict[str, Any] = msgspec.json.decode(text)
    return refusing(document)


def edited(document: dict[str, Any], tenant: str, patch: bytes) -> dict[str, Any]:
    sections = document.get("tenants", {})
    section = merged(sections.get(tenant, sections.get("*")), msgspec.json.decode(patch))
    others = {name: other for name, other in sections.items() if name != tenant}
    return refusing({**document, "tenants": others if section is None else {**others, tenant: section}})


def refusing(document: dict[str, Any]) -> dict[str, Any]:
    if any(contradicts(section) for section in document.get("tenants", {}).values()):
        raise Refusal("policy_invalid")
    return document


def contradicts(section: dict[str, Any]) -> bool:
    """Tell whether the section of a tenant says what cannot be; only as far as random histories go wrong."""
    items, channels, aliases = section.get("items", {}), section.get("channels", {}), section.get("aliases", {})
    parts = [section, *items.values()]
    named = {channel for part in parts for channel in [*part.get("channels", {}), *part.get("frozen", {})]}
    for alias, channel in aliases.items():
        if alias in named or channel in aliases or channel not in channels:
            return True
    return any(contradicts_in_rules(one) for one in [section, *items.values()])


def contradicts_in_rules(section: dict[str, Any]) -> bool:
    for rule in [section.get("rule", {}), *section.get("channels", {}).values()]:
        kind = rule.get("kind", "POOLED")
        owners = {"weight": "SHARE", "overflow": "QUOTA", "rank": "QUOTA", "min": "QUOTA"}
        if any(field in rule and kind != owner for field, owner in owners.items()):
            return True
        if kind == "SHARE" and not 0 < rule.get("weight", 0) <= 1:
            return True
    return False


def hundredths(amount: float) -> int:
    return round(amount * 100)


@dataclass(frozen=True)
class Rules:
    """What a document, and the item's own section if it has one, say of one item."""

    document: dict[str, Any]
    tenant: str
    item: str
    own: dict[str, Any] | None = None

    @property
    def section(self) -> dict[str, Any]:
        tenants = self.document.get("tenants", {})
        found: dict[str, Any] = tenants.get(self.tenant, tenants.get("*", {}))
        return found

    @property
    def special(self) -> dict[str, Any]:
        found: dict[str, Any] = self.section.get("items", {}).get(self.item, {})
        return found if self.own is None else self.own

    def with_own(self, patch: bytes) -> "Rules":
        own = merged(self.special, msgspec.json.decode(patch))
        if own is not None and contradicts_in_rules(own):
            raise Refusal("policy_invalid")
        return Rules(self.document, self.tenant, self.item, own)

    def frozen(self) -> dict[str, bool]:
        return {**self.section.get("frozen", {}), **self.special.get("frozen", {})}

    def named(self) -> list[str]:
        stopped = {channel: stops for channel, stops in self.frozen().items() if stops}
        return list({**self.section.get("channels", {}), **self.special.get("channels", {}), **stopped})

    def aliases(self) -> dict[str, str]:
        found: dict[str, str] = self.section.get("aliases", {})
        return found

    def resolved(self, channel: str) -> str:
        return self.aliases().get(channel, channel)

    def accepts_unknown(self) -> bool:
        return bool(self.document.get("unknown_channels", "accept") == "accept")

    def closed(self, channel: str) -> bool:
        return channel not in self.named() and (not self.accepts_unknown() or channel in self.aliases())

    def rule(self, channel: str) -> dict[str, Any]:
        """Return the most special rule that says anything."""
        section, special = self.section, self.special
        rules = (
            special.get("channels", {}).get(channel),
            special.get("rule"),
            section.get("channels", {}).get(channel),
            section.get("rule"),
        )
        return next((rule for rule in rules if rule), {})

    def kind(self, channel: str) -> str:
        stands_for = channel if channel in self.named() else self.resolved(channel)
        if stands_for in self.named() and self.frozen().get(stands_for):
            return "FROZEN"
        return self.kind_without_freeze(channel)

    def kind_without_freeze(self, channel: str) -> str:
        if channel not in self.named():
            if channel in self.aliases():  # who is there lives by the rule of the channel that it stands for
                return self.kind_without_freeze(self.resolved(channel))
            if not self.accepts_unknown():
                return "FROZEN"
        return str(self.rule(channel).get("kind", "POOLED"))

    def weight(self, channel: str) -> int:
        weight: float = self.rule(channel)["weight"]
        return round(weight * 10_000)

    def safety(self) -> dict[str, Any]:
        found: dict[str, Any] = self.special.get("safety_stock", self.section.get("safety_stock", {}))
        return found

    def step(self) -> int:
        """Return what is sold at least, in hundredths: all that may be claimed is a multiple of it."""
        return hundredths(self.special.get("step", self.section.get("step", 0.01)))

    def may_wait(self, channel: str, of_one: int, in_all: int) -> bool:
        each = self.special.get("max_waiting_each", self.section.get("max_waiting_each"))
        all_ = self.rule(channel if channel in self.named() else self.resolved(channel)).get("max_waiting")
        return (each is None or of_one <= hundredths(each)) and (all_ is None or in_all <= hundredths(all_))

    def deallocates(self) -> bool:
        return bool(self.section.get("shortage", self.document.get("shortage", "keep")) == "deallocate")

    def time_limit(self) -> int | None:
        seconds = self.section.get("time_limit")
        return None if seconds is None else int(seconds) * 1_000_000

    def duration(self, name: str, otherwise: int) -> int:
        """Return a duration of the document in microseconds."""
        return int(self.document.get(name, otherwise)) * 1_000_000

    def skew(self) -> int:
        return int(self.document.get("stock", {}).get("skew", 0)) * 1_000_000
