"""The comparison of what was published by day: availability against the model, and promises against what may break one.

A law needs no model: what is published of promises is compared with what was published of them before. Nobody's promise
moves to a later day because somebody else asks for something, confirms it or gives it back.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby

from atp_stream.oracle.dates import Projection
from atp_stream.oracle.outputs import Event
from atp_stream.oracle.replay import Expected, Name, Place
from atp_stream.oracle.report import Report

Steps = Sequence[tuple[int, int]]
Lines = Sequence[tuple[int, int]]


def check_projections(
    name: Name, steps: Mapping[Place, Expected], events: Mapping[str, list[Event]], report: Report
) -> None:
    """Compare what was shown by day: a step may leave out what it overtook itself, but shows all that it changed."""
    shown: dict[str, tuple[int, Steps]] = {}
    ends = {event.cause for event in events["availability_calculated"]}
    by_cause: dict[Place, list[Event]] = defaultdict(list)
    for cause, together in groupby(events["availability_projected"], key=lambda event: event.cause):
        by_cause[cause] += together
        if cause not in steps:
            report.double(f"availability by day of {name} at {cause}, where nothing was applied")
    versions: dict[str, int] = {}
    for cause, step in steps.items():
        what = f"availability by day of {name} at {cause}"
        for event in by_cause.get(cause, ()):
            _check_shown_of_channel(what, event, step, shown, versions, report)
        if by_cause.get(cause) or cause in ends:
            _check_all_shown(what, shown, step.projection, report)
    if steps:
        _check_all_shown(f"the last availability by day of {name}", shown, [*steps.values()][-1].projection, report)


def _check_shown_of_channel(
    what: str, event: Event, step: Expected, shown: dict[str, tuple[int, Steps]], versions: dict[str, int],
    report: Report,
) -> None:  # fmt: skip
    channel, today, found = event.payload["channel"], event.day("asOf") or 0, step.projection
    said = event.units("now"), event.by_day("steps", "available")
    if event.version != step.version or event.version <= versions.get(channel, -1):
        report.complain(f"{what}: {channel} has version {event.version} behind {versions.get(channel)}")
    versions[channel] = event.version
    if found is not None and channel in found.channels:
        wanted: tuple[int, Steps] = found.channels[channel]
        if not found.today <= today or (event.day("horizon") or 0) - today != found.last - found.today:
            report.complain(f"{what}: {channel} is as of {today} up to {event.day('horizon')}, not of {found.today}")
        if _same(shown.get(channel), said):
            report.double(f"{what}: {channel} shows {said} again")
        shown[channel] = said
    else:
        wanted = step.rows.get(channel, (0, 0))[0], ()
        if shown.pop(channel, None) is None:
            report.double(f"{what}: {channel} had no dates, and is reported to have none any more")
    if not _same(said, wanted):
        report.complain(f"{what}: {channel} shows {said}, not {wanted}")


def _check_all_shown(
    what: str, shown: Mapping[str, tuple[int, Steps]], found: Projection | None, report: Report
) -> None:
    wanted = {} if found is None else found.channels
    for channel in wanted.keys() | shown.keys():
        said, right = shown.get(channel), wanted.get(channel)
        if said is None or right is None or not _same(said, right):
            report.lose(f"{what}: {channel} must show {right}, and shows {said}")


def _same(one: tuple[int, Steps] | None, other: tuple[int, Steps] | None) -> bool:
    return (one and (one[0], *one[1])) == (other and (other[0], *other[1]))


def check_stability(
    name: Name, steps: Mapping[Place, Expected], events: Mapping[str, list[Event]], report: Report
) -> None:
    """Object to a promise that was put off or taken away without a cause, and count what became of promises."""
    redeemed: dict[tuple[Place, str | None], int] = defaultdict(int)
    for event in events["allocation_committed"]:
        redeemed[event.cause, event.reservation] += event.units("quantity")
    before: dict[str, Lines] = {}
    for event in events["reservation_promised"]:
        step, reservation = steps.get(event.cause), event.payload["reservationId"]
        lines = event.by_day("lines", "quantity")
        had, before[reservation] = before.get(reservation, ()), lines
        if not had or step is None or step.about == reservation or event.payload["reason"] == "ENDED":
            continue
        units = redeemed[event.cause, reservation]
        if _is_later(had, lines, units) or (units and had[-1][0] < step.today):
            report.redated += 1
            if step.gives:
                report.broken += 1
                report.complain(
                    f"{reservation} of {name} was promised {had}, and without a cause {lines} at {event.cause}"
                )
        elif units:
            report.kept += 1


def _is_later(had: Lines, lines: Lines, redeemed: int) -> bool:
    """Return whether by any day less is promised than was, but for what was reserved."""
    return any(_by(lines, day) + redeemed < _by(had, day) for day, _ in had)


def _by(lines: Lines, last: int) -> int:
    return sum(units for day, units in lines if day <= last)
