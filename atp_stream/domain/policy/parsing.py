"""The policy document as text: how it is read and edited, and what contradicts itself.

Law: a document that is read says the same thing to every reader: unknown fields, names that contradict each other and
fields that do not belong to the kind of a channel are refused, with the place and the reason.
"""

from decimal import Decimal
from typing import Any, Final

import msgspec

from atp_stream.domain import quantity
from atp_stream.domain.errors import Refused
from atp_stream.domain.policy.channel_names import as_spelled, normal
from atp_stream.domain.policy.misfits import misfit
from atp_stream.domain.policy.schema import (
    MAX_CHANNEL_BYTES,
    MAX_CHANNELS,
    MAX_DOCUMENT,
    MAX_GRACE,
    MAX_HORIZON,
    MAX_LEAD_TIME,
    MAX_OFFSET,
    MAX_OWN,
    MAX_PAST_DUE,
    MAX_WINDOW,
    MIN_WINDOW,
    SKEW_PARTS,
    WHOLE,
    ChannelSection,
    Document,
    ItemSection,
    Kind,
    PolicyError,
    SupplySection,
    TenantSection,
)

MAX_RANK: Final = 1_000

MAX_WEIGHT_DIGITS: Final = 20
MAX_DURATION_S: Final = 100 * 365 * 24 * 60 * 60
"""In seconds: what begins now and lasts as long is still a moment that can be written."""

_NAMED: Final = ("channels", "frozen")
"""The parts of a section in which channels stand by their names."""

_exact: Final = msgspec.json.Decoder(float_hook=Decimal)


def decode(document: bytes) -> Document:
    """Return the document that JSON states.

    Raises PolicyError for a document over 64,000 bytes, not of this shape (unknown fields included), with a negative
    quantity or duration, a quantity of more than two decimals, or names or fields that contradict each other: among
    them a channel that is named in two spellings.
    """
    written = recall(document)
    _check_stock(written)
    for tenant, section in written.tenants.items():
        _check_spelling(f"tenants.{tenant}", section)
        for item, special in section.items.items():
            _check_spelling(f"tenants.{tenant}.items.{item}", special)
    return written


def recall(document: bytes) -> Document:
    """Return what `decode` returns, also of what an earlier version let pass: what is in force stays readable."""
    if len(document) > MAX_DOCUMENT:
        raise PolicyError(f"the document has {len(document)} bytes; {MAX_DOCUMENT} are allowed")
    written: Document = _of_form(document, Document, "")
    _check(written)
    return written


def decode_own(section: bytes) -> ItemSection:
    """Return what JSON states for one item; raises PolicyError as `decode` does, over 16,000 bytes."""
    written = recall_own(section)
    _check_spelling("item", written)
    return written


def recall_own(section: bytes) -> ItemSection:
    """Return what `decode_own` returns, also of what an earlier version let pass."""
    if len(section) > MAX_OWN:
        raise PolicyError(f"the item's own policy has {len(section)} bytes; {MAX_OWN} are allowed")
    written: ItemSection = _of_form(section, ItemSection, "item")
    _check_rules("item", written)
    return written


def check_form(patch: bytes) -> None:
    """Raise PolicyError if a JSON merge patch for one item says what no section of an item can have."""
    merged = _merged({}, _plain(patch))
    wrong = None if merged is None else misfit(merged, ItemSection, "item")
    if wrong is not None:
        raise PolicyError(wrong)


def encode(section: Document | ItemSection) -> bytes:
    """Return the JSON text of a document, or of an item's own part; decoding it gives an equal one."""
    return msgspec.json.Encoder(decimal_format="number").encode(section)


def edited(document: Document, tenant: str, patch: bytes) -> Document:
    """Return the document with a JSON merge patch (RFC 7396) applied to the section of a tenant.

    A tenant without a section of its own is given a copy of the section `*` first, so that an edit only changes what
    it says. `null` as the whole patch removes the section. Raises PolicyError.
    """
    whole = _plain(encode(document))
    sections = whole.setdefault("tenants", {})
    start = sections.get(tenant, sections.get("*"))
    sections[tenant] = _merged(start, _as_spelled(_plain(patch), start))
    if sections[tenant] is None:
        del sections[tenant]
    return decode(_text(whole))


def edited_own(own: ItemSection | None, patch: bytes) -> ItemSection | None:
    """Return an item's own section with a JSON merge patch applied; None for the patch `null`. Raises PolicyError.

    A section of which the patch leaves nothing is still one: what the document writes for the item stays replaced.
    """
    start = None if own is None else _plain(encode(own))
    merged = _merged(start, _as_spelled(_plain(patch), start))
    return None if merged is None else decode_own(_text(merged))


def _of_form(text: bytes, form: type[Any], place: str) -> Any:
    try:
        return msgspec.json.decode(text, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PolicyError(misfit(_plain(text), form, place) or str(error)) from error


def _plain(text: bytes) -> Any:
    try:
        return _exact.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PolicyError(str(error)) from error


def _text(plain: Any) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(plain)


def _as_spelled(patch: Any, start: Any) -> Any:
    """Return a patch whose names of channels are spelled as in the section that it changes."""
    if not isinstance(patch, dict) or not isinstance(start, dict):
        return patch
    spelled = dict(patch)
    for part in _NAMED:
        if isinstance(patch.get(part), dict):
            here, named = start.get(part, {}), start.get("channels", {})
            found = {as_spelled(as_spelled(name, named), here): said for name, said in patch[part].items()}
            if len(found) == len(patch[part]):  # else it says two things of one channel, and is refused for that
                spelled[part] = found
    return spelled


def _merged(start: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(start) if isinstance(start, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


def _check(document: Document) -> None:
    for place, seconds in (
        ("stock.window", document.stock.window),
        ("retention", document.retention),
        ("drift_grace", document.drift_grace),
        ("future_tolerance", document.future_tolerance),
    ):
        _require(seconds >= 0, place, "must not be negative")
        _require(seconds <= MAX_DURATION_S, place, "is at most 100 years")
    _require(
        0 <= document.unknown_channel_limit <= MAX_CHANNELS, "unknown_channel_limit", f"is from 0 to {MAX_CHANNELS}"
    )
    _require(document.unknown_channels in {"accept", "refuse"}, "unknown_channels", "is `accept` or `refuse`")
    _require(document.default_channel != "", "default_channel", "must not be empty")
    for tenant, section in document.tenants.items():
        place = f"tenants.{tenant}"
        _require(tenant != "", place, "a tenant has a name")
        _check_rules(place, section)
        _check_aliases(place, section)
        for item, special in section.items.items():
            _require(item != "", f"{place}.items", "an item has a name")
            _check_rules(f"{place}.items.{item}", special)
        limit = 1 if section.time_limit is None else section.time_limit
        _require(1 <= limit <= MAX_DURATION_S, f"{place}.time_limit", "is from 1 second to 100 years, or left out")


def _check_stock(document: Document) -> None:
    stock = document.stock
    _require(MIN_WINDOW <= stock.window <= MAX_WINDOW, "stock.window", f"is from {MIN_WINDOW} to {MAX_WINDOW} seconds")
    most = stock.window // SKEW_PARTS
    _require(abs(stock.skew) <= most, "stock.skew", f"is from {-most} to {most} seconds, a quarter of stock.window")


def _check_rules(place: str, section: TenantSection | ItemSection) -> None:
    if section.safety_stock is not None:
        _check_quantity(f"{place}.safety_stock.fixed", section.safety_stock.fixed)
        _check_quantity(f"{place}.safety_stock.percent", section.safety_stock.percent)
        _require(section.safety_stock.percent <= WHOLE // 100, f"{place}.safety_stock.percent", "is at most 100")
    for name in ("step", "max_waiting_each"):
        _check_quantity(f"{place}.{name}", getattr(section, name) or Decimal(0))
    _require(section.step != 0, f"{place}.step", "is at least 0.01")
    _check_supply(f"{place}.supply", section.supply or SupplySection())
    rules: dict[str, Any] = {f"{place}.channels.{c}": rule for c, rule in section.channels.items()}
    for at, rule in {f"{place}.rule": section.rule, **rules}.items():
        if rule is not None:
            _check_rule(at, rule)
    for at, named in ((f"{place}.channels", section.channels), (f"{place}.frozen", section.frozen)):
        _require("" not in named, at, "a channel has a name")
        _require(len(named) <= MAX_CHANNELS, at, f"are at most {MAX_CHANNELS}")
        longest = max((len(channel.encode()) for channel in named), default=0)
        _require(longest <= MAX_CHANNEL_BYTES, at, f"a name has at most {MAX_CHANNEL_BYTES} bytes")


def _check_supply(place: str, section: SupplySection) -> None:
    _require(1 <= section.horizon <= MAX_HORIZON, f"{place}.horizon", f"is from 1 to {MAX_HORIZON} days")
    for name, most in (
        ("ahead", MAX_HORIZON),
        ("past_due_days", MAX_PAST_DUE),
        ("past_due_offset", MAX_OFFSET),
        ("receipt_grace", MAX_GRACE),
        ("dock_days", MAX_OFFSET),
        ("lead_time", MAX_LEAD_TIME),
    ):
        unit = "seconds" if name == "receipt_grace" else "days"
        _require(0 <= (getattr(section, name) or 0) <= most, f"{place}.{name}", f"is from 0 to {most} {unit}")


def _check_spelling(place: str, section: TenantSection | ItemSection) -> None:
    """Refuse two spellings of one channel in one place, and another name that is the spelling of another channel."""
    for part in ("channels", "frozen"):
        first: dict[str, str] = {}
        for name in getattr(section, part):
            other = first.setdefault(normal(name), name)
            _require(other == name, f"{place}.{part}.{name}", f"is another spelling of {other}")
    if isinstance(section, TenantSection):
        parts: list[TenantSection | ItemSection] = [section, *section.items.values()]
        meant = {normal(name): normal(name) for part in parts for name in (*part.channels, *part.frozen)}
        for alias, channel in section.aliases.items():
            same = meant.setdefault(normal(alias), normal(channel)) == normal(channel)
            _require(same, f"{place}.aliases.{alias}", f"in another spelling means another channel than {channel}")


def _check_rule(place: str, rule: ChannelSection) -> None:
    for name in ("buffer", "floor", "min", "max_waiting"):
        _check_quantity(f"{place}.{name}", getattr(rule, name) or Decimal(0))
    kind = rule.kind or Kind.POOLED
    for name, owner in (("weight", Kind.SHARE), ("overflow", Kind.QUOTA), ("rank", Kind.QUOTA), ("min", Kind.QUOTA)):
        _require(kind is owner or getattr(rule, name) is None, f"{place}.{name}", f"belongs to {owner}, not to {kind}")
    if kind is Kind.SHARE:
        _check_weight(f"{place}.weight", rule.weight)
    _require(rule.rank is None or 1 <= rule.rank <= MAX_RANK, f"{place}.rank", f"is from 1 to {MAX_RANK}")


def _check_weight(place: str, weight: Decimal | None) -> None:
    # Nothing is computed with it before it is known to be a plain number: NaN and the smallest exponents raise.
    plain = weight is not None and weight.is_finite() and len(weight.as_tuple().digits) <= MAX_WEIGHT_DIGITS
    in_reach = weight is not None and plain and weight.adjusted() >= -MAX_WEIGHT_DIGITS and 0 < weight <= 1
    _require(in_reach, place, "of a SHARE is above 0, and 1 at most")
    _require(weight is not None and weight * WHOLE % 1 == 0, place, "has at most 4 decimals")


def _check_aliases(place: str, section: TenantSection) -> None:
    parts: list[TenantSection | ItemSection] = [section, *section.items.values()]
    named = set().union(*(part.channels for part in parts), *(part.frozen for part in parts))
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
