"""The policy as plain JSON values: what it says of an item, how a patch changes it, and what contradicts itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
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


def same(name: str, other: str) -> bool:
    """Return whether two names mean the same channel; only as far as random histories misspell them."""
    return name.strip().lower() == other.strip().lower()


def said_of(channel: str, named: dict[str, Any]) -> Any:
    return next((said for name, said in named.items() if same(name, channel)), None)


def as_written(patch: Any, start: Any) -> Any:
    """Return a patch in which a channel has the name that it has in what is patched."""
    if not isinstance(patch, dict) or not isinstance(start, dict):
        return patch
    result = dict(patch)
    for part in ("channels", "frozen"):
        names = [*start.get(part, {}), *start.get("channels", {})]
        if isinstance(patch.get(part), dict):
            result[part] = {
                next((one for one in names if same(one, name)), name): said for name, said in patch[part].items()
            }
    return result


def stated(text: bytes) -> dict[str, Any]:
    """Return a document that may be lived by."""
    document: dict[str, Any] = msgspec.json.decode(text)
    return refusing(document)


def edited(document: dict[str, Any], tenant: str, patch: bytes) -> dict[str, Any]:
    sections = document.get("tenants", {})
    start = sections.get(tenant, sections.get("*"))
    section = merged(start, as_written(msgspec.json.decode(patch), start))
    others = {name: other for name, other in sections.items() if name != tenant}
    return refusing({**document, "tenants": others if section is None else {**others, tenant: section}})


def refusing(document: dict[str, Any]) -> dict[str, Any]:
    if any(contradicts(section) for section in document.get("tenants", {}).values()):
        raise Refusal("policy_invalid")
    return document


def contradicts(section: dict[str, Any]) -> bool:
    """Return whether the section of a tenant says what cannot be; only as far as random histories go wrong."""
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

    @cached_property
    def section(self) -> dict[str, Any]:
        tenants = self.document.get("tenants", {})
        found: dict[str, Any] = tenants.get(self.tenant, tenants.get("*", {}))
        return found

    @cached_property
    def special(self) -> dict[str, Any]:
        found: dict[str, Any] = self.section.get("items", {}).get(self.item, {})
        return found if self.own is None else self.own

    def with_own(self, patch: bytes) -> "Rules":
        own = merged(self.special, as_written(msgspec.json.decode(patch), self.special))
        if own is not None and contradicts_in_rules(own):
            raise Refusal("policy_invalid")
        return Rules(self.document, self.tenant, self.item, own)

    def is_frozen(self, channel: str) -> bool:
        for part in (self.special, self.section):
            for name, stops in part.get("frozen", {}).items():
                if same(name, channel):
                    return bool(stops)
        return False

    def named(self) -> list[str]:
        """Return the channels, each in the spelling that is written first."""
        return self._named

    @cached_property
    def _named(self) -> list[str]:
        found: list[str] = []
        for key in ("channels", "frozen"):
            for part in (self.section, self.special):
                for name in part.get(key, {}):
                    wanted = key == "channels" or self.is_frozen(name)
                    if wanted and not any(same(name, other) for other in found):
                        found.append(name)
        return found

    def resolved(self, channel: str, known: Iterable[str] = ()) -> str:
        """Return what a name means: a channel of the policy, another name of one, or a channel in `known`."""
        aliases = self.section.get("aliases", {})
        meant = {name: name for name in self.named()}
        for names in (meant, aliases, {name: name for name in known}):
            for name, means in names.items():
                if same(name, channel):
                    return str(means)
        return channel

    def accepts_unknown(self) -> bool:
        return bool(self.document.get("unknown_channels", "accept") == "accept")

    def closed(self, channel: str) -> bool:
        another_name = self.resolved(channel) in self.named()
        return channel not in self.named() and (not self.accepts_unknown() or another_name)

    def rule(self, channel: str) -> dict[str, Any]:
        """Return the most special rule that says anything."""
        section, special = self.section, self.special
        rules = (
            said_of(channel, special.get("channels", {})),
            special.get("rule"),
            said_of(channel, section.get("channels", {})),
            section.get("rule"),
        )
        return next((rule for rule in rules if rule), {})

    def kind(self, channel: str) -> str:
        if self.resolved(channel) in self.named() and self.is_frozen(self.resolved(channel)):
            return "FROZEN"
        return self.kind_without_freeze(channel)

    def kind_without_freeze(self, channel: str) -> str:
        if channel not in self.named():
            if self.resolved(channel) in self.named():  # who is there lives by the rule of what it stands for
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
        return self._step

    @cached_property
    def _step(self) -> int:
        return hundredths(self.special.get("step", self.section.get("step", 0.01)))

    def may_wait(self, channel: str, of_one: int, in_all: int) -> bool:
        each = self.special.get("max_waiting_each", self.section.get("max_waiting_each"))
        all_ = self.rule(self.resolved(channel)).get("max_waiting")
        return (each is None or of_one <= hundredths(each)) and (all_ is None or in_all <= hundredths(all_))

    def deallocates(self) -> bool:
        return bool(self.section.get("shortage", self.document.get("shortage", "keep")) == "deallocate")

    def time_limit(self) -> int | None:
        seconds = self.section.get("time_limit")
        return None if seconds is None else int(seconds) * 1_000_000

    def duration(self, name: str, otherwise: int) -> int:
        """Return a duration of the document in microseconds."""
        return int(self.document.get(name, otherwise)) * 1_000_000

    def kept(self) -> int:
        """Return how long an ended reservation is kept: no less than two windows of stock."""
        window = int(self.document.get("stock", {}).get("window", 24 * 60 * 60)) * 1_000_000
        return max(self.duration("retention", 7 * 24 * 60 * 60), 2 * window)

    def supply(self, name: str, otherwise: int) -> int:
        """Return what is said of supplies, of the item or else of its tenant."""
        found: int = self.special.get("supply", self.section.get("supply", {})).get(name, otherwise)
        return found

    def skew(self) -> int:
        return int(self.document.get("stock", {}).get("skew", 0)) * 1_000_000
