"""The policy: which channels an item has, what is held back from them, and how strict the ledger is.

Law: of the rules that could apply to an item's channel exactly one does, the most special that is written:
item and channel, then item, then channel, then tenant. Nothing is merged: a tenant with a section of its own takes
nothing from the section `*`, which stands for all others. Source: domain.md, Availability.
"""

from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import msgspec

from atp_stream.domain import quantity
from atp_stream.domain.errors import Refused
from atp_stream.domain.locations import LONGEST_TAIL, StockRules
from atp_stream.domain.names import split

MAX_DOCUMENT: Final = 64_000
"""The greatest size of a policy document, in bytes; with its place in the log it must fit a row of 64 KB."""

MOST_CHANNELS: Final = 64
LONGEST_CHANNEL: Final = 64
"""So many channels, of so many bytes, are named in one place (and as many may come without a name): an item's row
holds them all, and stays small."""

_MICROSECONDS: Final = 1_000_000
_WHOLE: Final = 10_000  # a hundred per cent, in hundredths of one


class PolicyError(Exception):
    """A policy document contradicts itself or the contract; the text says where and why."""


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the document."""


class ChannelSection(_Section, frozen=True):
    """What is held back from one channel; a section without fields only names the channel."""

    buffer: Decimal | None = None
    floor: Decimal | None = None


class SafetySection(_Section, frozen=True):
    """What is never promised: a fixed quantity, a percentage of the stock, or the greater of the two."""

    fixed: Decimal = Decimal(0)
    percent: Decimal = Decimal(0)


class ItemSection(_Section, frozen=True):
    """What is different for one item; `rule` stands for each of its channels."""

    safety_stock: SafetySection | None = None
    rule: ChannelSection | None = None
    channels: dict[str, ChannelSection] = {}


class TenantSection(_Section, frozen=True):
    """The channels of a tenant, other names for them, and its rules; `rule` stands for each of its channels."""

    safety_stock: SafetySection | None = None
    rule: ChannelSection | None = None
    channels: dict[str, ChannelSection] = {}
    aliases: dict[str, str] = {}
    items: dict[str, ItemSection] = {}


class StockSection(_Section, frozen=True):
    """How facts of stock are ordered; `window` and `skew` in seconds, `tail` in facts."""

    window: int = 24 * 60 * 60
    tail: int = 64
    skew: int = 0


class Document(_Section, frozen=True):
    """A policy as it is written; durations in whole seconds, quantities with at most two decimals."""

    stock: StockSection = StockSection()
    retention: int = 7 * 24 * 60 * 60
    future_tolerance: int = 5 * 60
    unknown_channels: str = "accept"
    unknown_channel_limit: int = 32
    default_channel: str = "ECOM"
    shortage: str = "keep"
    tenants: dict[str, TenantSection] = {}


class Rule(msgspec.Struct, frozen=True):
    """What is held back from a channel: `buffer` always, everything below `floor`."""

    buffer: int = 0
    floor: int = 0


class ItemRules(msgspec.Struct, frozen=True, kw_only=True):
    """All rules of one item; `percent` in hundredths of one per cent, `other` for channels that nobody named."""

    stock: StockRules = StockRules()
    fixed: int = 0
    percent: int = 0
    channels: dict[str, Rule] = {}
    other: Rule = Rule()
    aliases: dict[str, str] = {}
    accepts_unknown: bool = True

    def resolve(self, channel: str) -> str:
        """Return the channel that `channel` stands for."""
        return self.aliases.get(channel, channel)

    def closed(self, channel: str) -> bool:
        """Tell whether nothing may be promised in `channel`: it is neither named nor accepted without a name."""
        return channel not in self.channels and (not self.accepts_unknown or channel in self.aliases)


class Policy:
    """A policy ready for use; `document` is what was written. Durations in microseconds."""

    def __init__(self, document: Document) -> None:
        self.document = document
        stock = document.stock
        self.stock = StockRules(window=stock.window * _MICROSECONDS, tail=stock.tail, skew=stock.skew * _MICROSECONDS)
        self.future_tolerance = document.future_tolerance * _MICROSECONDS
        self.unknown_channel_limit = document.unknown_channel_limit
        self.default_channel = document.default_channel
        self._rules: dict[tuple[str, str | None], ItemRules] = {}
        alone = document.tenants.keys() <= {"*"} and not any(t.items for t in document.tenants.values())
        self._alone = self._compiled("*", None) if alone else None

    def rules(self, name: str) -> ItemRules:
        """Return the rules of the item called `name` (tenant and item, as in keys)."""
        if self._alone is not None:
            return self._alone
        tenant, item = split(name)
        if tenant not in self.document.tenants:
            tenant = "*"
        section = self.document.tenants.get(tenant)
        place = (tenant, item if section is not None and item in section.items else None)
        rules = self._rules.get(place)
        if rules is None:
            rules = self._rules[place] = self._compiled(*place)
        return rules

    def _compiled(self, tenant: str, item: str | None) -> ItemRules:
        section = self.document.tenants.get(tenant, TenantSection())
        special = ItemSection() if item is None else section.items[item]
        safety = special.safety_stock or section.safety_stock or SafetySection()
        named = [*section.channels, *(c for c in special.channels if c not in section.channels)]
        return ItemRules(
            stock=self.stock,
            fixed=quantity.parse(safety.fixed),
            percent=quantity.parse(safety.percent),
            channels={
                c: _rule(special.channels.get(c), special.rule, section.channels.get(c), section.rule) for c in named
            },
            other=_rule(special.rule, section.rule),
            aliases=section.aliases,
            accepts_unknown=self.document.unknown_channels == "accept",
        )


def parse(document: bytes) -> Policy:
    """Return the policy that a JSON document states.

    Raises PolicyError for a document over 64,000 bytes, not of this shape (unknown fields included), with a negative
    quantity or duration, a quantity of more than two decimals, or names that contradict each other.
    """
    if len(document) > MAX_DOCUMENT:
        raise PolicyError(f"the document has {len(document)} bytes; {MAX_DOCUMENT} are allowed")
    try:
        written = msgspec.json.decode(document, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PolicyError(str(error)) from error
    _check(written)
    return Policy(written)


@lru_cache(maxsize=16)
def read(document: bytes) -> Policy:
    """Return what `parse` returns, remembering the last documents: a step must not pay for it again."""
    return parse(document)


def text(policy: Policy) -> str:
    """Return the JSON text of a policy; `parse` of it gives an equal policy."""
    return msgspec.json.Encoder(decimal_format="number").encode(policy.document).decode()


def _rule(*sections: ChannelSection | None) -> Rule:
    for section in sections:
        if section is not None and (section.buffer is not None or section.floor is not None):
            return Rule(quantity.parse(section.buffer or 0), quantity.parse(section.floor or 0))
    return Rule()


def _check(document: Document) -> None:
    for place, seconds in (
        ("stock.window", document.stock.window),
        ("stock.skew", document.stock.skew),
        ("retention", document.retention),
        ("future_tolerance", document.future_tolerance),
    ):
        _require(seconds >= 0, place, "must not be negative")
    _require(1 <= document.stock.tail <= LONGEST_TAIL, "stock.tail", f"is from 1 to {LONGEST_TAIL}")
    _require(
        0 <= document.unknown_channel_limit <= MOST_CHANNELS, "unknown_channel_limit", f"is from 0 to {MOST_CHANNELS}"
    )
    _require(document.unknown_channels in {"accept", "refuse"}, "unknown_channels", "is `accept` or `refuse`")
    _require(document.shortage == "keep", "shortage", "is `keep`")
    _require(document.default_channel != "", "default_channel", "must not be empty")
    for tenant, section in document.tenants.items():
        place = f"tenants.{tenant}"
        _require(tenant != "", place, "a tenant has a name")
        _check_rules(place, section)
        _check_aliases(place, section)
        for item, special in section.items.items():
            _require(item != "", f"{place}.items", "an item has a name")
            _check_rules(f"{place}.items.{item}", special)


def _check_rules(place: str, section: TenantSection | ItemSection) -> None:
    if section.safety_stock is not None:
        _check_quantity(f"{place}.safety_stock.fixed", section.safety_stock.fixed)
        _check_quantity(f"{place}.safety_stock.percent", section.safety_stock.percent)
        _require(section.safety_stock.percent <= _WHOLE // 100, f"{place}.safety_stock.percent", "is at most 100")
    rules: dict[str, Any] = {f"{place}.channels.{c}": rule for c, rule in section.channels.items()}
    for at, rule in {f"{place}.rule": section.rule, **rules}.items():
        if rule is not None:
            _check_quantity(f"{at}.buffer", rule.buffer or Decimal(0))
            _check_quantity(f"{at}.floor", rule.floor or Decimal(0))
    place = f"{place}.channels"
    _require("" not in section.channels, place, "a channel has a name")
    _require(len(section.channels) <= MOST_CHANNELS, place, f"are at most {MOST_CHANNELS}")
    longest = max((len(channel.encode()) for channel in section.channels), default=0)
    _require(longest <= LONGEST_CHANNEL, place, f"a name has at most {LONGEST_CHANNEL} bytes")


def _check_aliases(place: str, section: TenantSection) -> None:
    named = set(section.channels).union(*(special.channels for special in section.items.values()))
    for alias, channel in section.aliases.items():
        at = f"{place}.aliases.{alias}"
        _require(alias != "", at, "an alias has a name")
        _require(alias not in named, at, "is the name of a channel")
        _require(channel not in section.aliases, at, "points at another alias")
        _require(channel in section.channels, at, f"points at {channel}, which is no channel of this tenant")


def _check_quantity(place: str, amount: Decimal) -> None:
    try:
        _require(quantity.parse(amount) >= 0, place, "must not be negative")
    except Refused as refused:
        raise PolicyError(f"{place}: {refused}") from refused


def _require(holds: bool, place: str, otherwise: str) -> None:  # noqa: FBT001  (reads as the sentence it is)
    if not holds:
        raise PolicyError(f"{place}: {otherwise}")


DEFAULT: Final = Policy(
    Document(
        tenants={"*": TenantSection(channels={c: ChannelSection() for c in ("ECOM", "STORE", "B2B", "MARKETPLACE")})}
    )
)
"""The policy before any policy command: four pooled channels, unknown ones accepted, nothing held back."""
