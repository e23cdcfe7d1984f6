"""The policy ready for use: which rule an item's channel lives by.

Law: of the rules that could apply to an item's channel exactly one does, the most special that is written:
item and channel, then item, then channel, then tenant. Nothing is merged: a tenant with a section of its own takes
nothing from the section `*`, which stands for all others. Source: docs/rules/policy.md#precedence.
"""

from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final

from atp_stream.domain import quantity
from atp_stream.domain.names import split
from atp_stream.domain.policy.channel_names import by_form, normal
from atp_stream.domain.policy.item_rules import ItemRules, Rule
from atp_stream.domain.policy.parsing import decode, encode, recall, recall_own
from atp_stream.domain.policy.schema import (
    MAX_WINDOW,
    MIN_WINDOW,
    SKEW_PARTS,
    WHOLE,
    ChannelSection,
    Document,
    ItemSection,
    Kind,
    PolicyError,
    SafetySection,
    Shortage,
    SupplySection,
    TenantSection,
)
from atp_stream.domain.stock.facts import StockRules
from atp_stream.domain.supply.rules import SupplyRules
from atp_stream.domain.time_units import US_PER_S

__all__ = ["DEFAULT", "Kind", "Level", "Policy", "PolicyError", "parse", "read", "text"]

_HUNDREDTH: Final = Decimal("0.01")
_MAX_OWN_RULES: Final = 10_000  # items with a policy of their own whose rules are remembered


class Level(StrEnum):
    """Where a rule is written, the most special first; DEFAULT: nowhere, and nothing is held back."""

    ITEM_CHANNEL = "item_channel"
    ITEM = "item"
    CHANNEL = "channel"
    TENANT = "tenant"
    DEFAULT = "default"


class Policy:
    """A policy ready for use; `document` is what was written. Durations in microseconds."""

    def __init__(self, document: Document) -> None:
        self.document = document
        stock = document.stock
        # Documents that were stored before these bounds were there live by the nearest that they allow.
        window = max(MIN_WINDOW, min(MAX_WINDOW, stock.window))
        most = window // SKEW_PARTS
        skew = max(-most, min(most, stock.skew))
        self.stock = StockRules(window_us=window * US_PER_S, skew_us=skew * US_PER_S)
        self.future_tolerance_us = document.future_tolerance * US_PER_S
        self.unknown_channel_limit = document.unknown_channel_limit
        self.default_channel = document.default_channel
        self._rules: dict[tuple[str, str | None], ItemRules] = {}
        self._own: dict[tuple[str, str], ItemRules] = {}
        alone = document.tenants.keys() <= {"*"} and not any(t.items for t in document.tenants.values())
        self._alone = self._compiled("*", ItemSection()) if alone else None

    def rules(self, name: str, own: str | None = None) -> ItemRules:
        """Return the rules of the item called `name` (tenant and item, as in keys).

        `own` is what a command of its own wrote for it; it stands in place of what the document writes for the item.
        """
        if self._alone is not None and own is None:
            return self._alone
        tenant, item = split(name)
        if tenant not in self.document.tenants:
            tenant = "*"
        if own is not None:
            return self._rules_of(tenant, own)
        section = self.document.tenants.get(tenant)
        special = None if section is None else section.items.get(item)
        place = (tenant, None if special is None else item)
        rules = self._rules.get(place)
        if rules is None:
            rules = self._rules[place] = self._compiled(tenant, special or ItemSection())
        return rules

    def rules_of_tenant(self, tenant: str) -> ItemRules:
        """Return the rules of those items of a tenant (as in keys) for which nothing is written."""
        return self.rules(f"{tenant}|")

    def writes_for_items(self, tenant: str) -> bool:
        """Return whether anything is written for single items of a tenant (as in keys)."""
        section = self._section(split(tenant)[0])
        return section is not None and bool(section.items)

    def levels(self, name: str, own: str | None = None) -> tuple[dict[str, Level], Level]:
        """Return where the rule of each named channel of an item is written, and that of those that nobody named.

        `name` and `own` as in `rules`.
        """
        section = self._section(split(name)[0]) or TenantSection()
        special = (recall_own(own.encode()) if own is not None else self.written_for(name)) or ItemSection()
        common, single = by_form(section.channels), by_form(special.channels)
        named = {
            channel: _level(single.get(form), special.rule, common.get(form), section.rule)
            for channel, form in ((channel, normal(channel)) for channel in self.rules(name, own).channels)
        }
        return named, _level(None, special.rule, None, section.rule)

    def _section(self, tenant: str) -> TenantSection | None:
        return self.document.tenants.get(tenant, self.document.tenants.get("*"))

    def written_for(self, name: str) -> ItemSection | None:
        """Return what the document writes for one item."""
        tenant, item = split(name)
        section = self._section(tenant)
        return None if section is None else section.items.get(item)

    def _rules_of(self, tenant: str, own: str) -> ItemRules:
        rules = self._own.get((tenant, own))
        if rules is None:
            if len(self._own) >= _MAX_OWN_RULES:
                self._own.clear()
            rules = self._own[tenant, own] = self._compiled(tenant, recall_own(own.encode()))
        return rules

    def _compiled(self, tenant: str, special: ItemSection) -> ItemRules:
        document = self.document
        section = document.tenants.get(tenant, TenantSection())
        safety = special.safety_stock or section.safety_stock or SafetySection()
        frozen = by_form(section.frozen) | by_form(special.frozen)
        common, own = by_form(section.channels), by_form(special.channels)
        named = [*section.channels, *special.channels, *section.frozen, *special.frozen]
        spelled = by_form({c: c for c in named if normal(c) in common or normal(c) in own or frozen[normal(c)]})
        channels = {
            c: _rule(frozen.get(form), own.get(form), special.rule, common.get(form), section.rule)
            for form, c in spelled.items()
        }
        aliases = {alias: spelled[normal(c)] for alias, c in section.aliases.items()}
        other = _rule(None, special.rule, section.rule)
        step = quantity.parse(special.step or section.step or _HUNDREDTH)
        return ItemRules(
            stock=self.stock,
            fixed=-(-quantity.parse(safety.fixed) // step) * step,
            percent=quantity.parse(safety.percent),
            step=step,
            max_waiting_each=_bound(special.max_waiting_each, section.max_waiting_each),
            channels=channels,
            other=other,
            aliases=aliases,
            spelled={normal(alias): c for alias, c in aliases.items()} | spelled,
            accepts_unknown=document.unknown_channels == "accept",
            deallocates=(section.shortage or document.shortage) is Shortage.DEALLOCATE,
            time_limit_us=None if section.time_limit is None else section.time_limit * US_PER_S,
            retention_us=max(document.retention * US_PER_S, 2 * self.stock.window_us),
            drift_grace_us=document.drift_grace * US_PER_S,
            plain=all(rule.kind is Kind.POOLED for rule in [other, *channels.values()]),
            supply=_supply(special.supply or section.supply or _NO_SUPPLY),
        )


def parse(document: bytes) -> Policy:
    """Return the policy that a JSON document states; raises PolicyError as `written.decode` does."""
    return Policy(decode(document))


@lru_cache(maxsize=512)
def read(document: bytes) -> Policy:
    """Return what `parse` returns, also of what earlier versions let pass, remembering the last documents."""
    return Policy(recall(document))


def text(policy: Policy) -> str:
    """Return the JSON text of a policy; `parse` of it gives an equal policy."""
    return encode(policy.document).decode()


def _rule(stops: bool | None, *sections: ChannelSection | None) -> Rule:  # noqa: FBT001  (frozen, or thawed, or neither)
    written = next(filter(_says_something, sections), None) or _ONLY_NAMED
    kind = written.kind or Kind.POOLED
    return Rule(
        buffer=quantity.parse(written.buffer or 0),
        floor=quantity.parse(written.floor or 0),
        kind=Kind.FROZEN if stops else kind,
        weight=int((written.weight or Decimal(0)) * WHOLE),
        overflow=written.overflow is True,
        rank=written.rank or 1,
        minimum=quantity.parse(written.min or 0),
        thawed=kind,
        max_waiting=_bound(written.max_waiting),
    )


def _level(*sections: ChannelSection | None) -> Level:
    """Return where the rule stands that `_rule` takes from these; they are those of the levels, in their order."""
    return next((level for level, one in zip(Level, sections, strict=False) if _says_something(one)), Level.DEFAULT)


def _says_something(section: ChannelSection | None) -> bool:
    return section is not None and section != _ONLY_NAMED


def _supply(written: SupplySection) -> SupplyRules:
    return SupplyRules(
        horizon_days=written.horizon,
        ahead_days=written.ahead,
        past_due_days=written.past_due_days,
        past_due_offset_days=written.past_due_offset,
        receipt_grace_us=written.receipt_grace * US_PER_S,
        dock_days=written.dock_days,
        lead_time_days=written.lead_time,
        project=written.project,
    )


def _bound(*written: Decimal | None) -> int | None:
    first = next((one for one in written if one is not None), None)
    return None if first is None else quantity.parse(first)


_ONLY_NAMED: Final = ChannelSection()
_NO_SUPPLY: Final = SupplySection()

_CHANNELS: Final = {channel: ChannelSection() for channel in ("ECOM", "STORE", "B2B", "MARKETPLACE")}

DEFAULT: Final = Policy(Document(tenants={"*": TenantSection(channels=_CHANNELS)}))
"""The policy before any policy command: four pooled channels, unknown ones accepted, nothing held back."""

INITIAL: Final = Policy(Document(tenants={"*": TenantSection(channels=_CHANNELS, step=Decimal(1))}))
"""The policy that `atp init` writes: that of DEFAULT, for whole goods."""
