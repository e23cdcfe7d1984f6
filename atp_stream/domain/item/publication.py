"""What an item publishes when a step ends: what each channel shows now, and by day.

Law: the newest event of a channel says what its row says; a step publishes each channel once at most, however many of
its commands changed it.
Source: docs/rules/availability.md#published, docs/rules/availability.md#available.
"""

from atp_stream.domain.events import AvailabilityCalculated
from atp_stream.domain.item.open_item import WITHDRAWN, OpenItem
from atp_stream.domain.item.projections import publish_projections
from atp_stream.domain.policy.schema import WHOLE
from atp_stream.domain.promise import availability
from atp_stream.domain.promise.claims import claims, open_rules, weights
from atp_stream.domain.row_keys import item_key


def publish(item: OpenItem) -> None:
    """Derive what the channels show, publish each pair that is not the committed one, and put the item's row."""
    row, rules, shown = item.row, item.rules, item.shown
    runs = row.quarantine is None
    free = _free(item, runs=runs)
    claimed = None if rules.plain or not runs else claims(free, rules, row.channels)
    row.scaled = claimed is not None and sum(weights(open_rules(rules, row.channels)).values()) > WHOLE
    named = rules.channels
    changed: list[tuple[int, str, int, int]] = []  # ordinal, channel, available, reserved
    place = 0
    for name, channel in row.channels.items():
        rule = named.get(name)
        if not runs or (rule is None and rules.closed(name)):
            channel.available = 0
        else:
            claim = free if claimed is None else sum(claimed[name])
            channel.available = availability.shown(claim, rule or rules.other, channel.blocking, rules.step)
        if shown.get(name) != (channel.available, channel.reserved):
            changed.append((place, name, channel.available, channel.reserved))
        place += 1
    for name, pair in shown.items():
        if name not in row.channels and pair != WITHDRAWN:
            changed.append((place, name, *WITHDRAWN))
            place += 1
    item.events += [
        AvailabilityCalculated(
            name=item.name, version=row.version, log_time_ms=row.log_time_ms, offset=row.offset, ordinal=ordinal,
            channel=name, available=available, reserved=reserved,
        )
        for ordinal, name, available, reserved in changed
    ]  # fmt: skip
    if row.dated or item.has_dates:
        publish_projections(item.dates, place, runs=runs)
        item.dates.save()
    item.state.put(item_key(item.name), row)


def _free(item: OpenItem, *, runs: bool) -> int:
    """Return what nobody was promised, and note what is withheld; an item that is stopped withholds what it did."""
    row, rules = item.row, item.rules
    if runs:
        row.safety_stock = availability.safety_stock(rules, row.stock.basis)
        if row.dated:
            return item.free()
    return availability.free(row.stock.on_hand, row.safety_stock, item.reserved, rules.step)
