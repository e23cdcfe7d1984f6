"""What an item publishes by day when a step ends: the projection of each channel.

Law: a projection is published when what is available now, or on one of the days to come, is another quantity.
Source: docs/rules/dates.md#projected-event.
"""

from hashlib import blake2b

from atp_stream.domain.events import AvailabilityProjected
from atp_stream.domain.item.dates import ItemDates


def publish_projections(dates: ItemDates, place: int, *, runs: bool) -> None:
    """Publish the projections that changed, as events from number `place` on; without steps if the item is stopped."""
    item, reported = dates.item, dates.row.reported
    digests: dict[str, str] = {}
    if item.row.dated:
        for channel in item.channels if item.rules.supply.project else ():
            now, steps = item.channels[channel].available, _steps(dates, channel) if runs else ()
            digests[channel] = blake2b(repr((now, steps)).encode(), digest_size=8).hexdigest()
            if digests[channel] != reported.get(channel):
                _publish(dates, place, channel, now, steps)
                place += 1
    for channel in reported:
        if channel not in digests:
            now = item.channels[channel].available if channel in item.channels else 0
            _publish(dates, place, channel, now, ())
            place += 1
    dates.row.reported = digests


def _steps(dates: ItemDates, channel: str) -> tuple[tuple[int, int], ...]:
    """Return the days on which what is available becomes another quantity, with that."""
    curve, level = dates.curve(), -1
    found, last = [], dates.item.channels[channel].available
    for day, units in zip(curve.days[1:], curve.levels[1:], strict=True):
        if units != level:
            level, shown = units, dates.shown(channel, day)
            if shown != last:
                found.append((day, shown))
                last = shown
    return tuple(found)


def _publish(dates: ItemDates, place: int, channel: str, now: int, steps: tuple[tuple[int, int], ...]) -> None:
    item = dates.item
    item.events.append(
        AvailabilityProjected(
            name=item.name, version=item.row.version, log_time_ms=item.row.log_time_ms, offset=item.row.offset,
            ordinal=place, channel=channel, today=dates.today, until=dates.today + item.rules.supply.horizon_days,
            now=now, steps=steps,
        )
    )  # fmt: skip
