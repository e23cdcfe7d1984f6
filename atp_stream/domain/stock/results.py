"""The results of a location: what it holds is the end of its newest absolute and the deltas behind it.

Each function lets the results follow one more fact, which the instant of its stamp has already. What comes in order
asks one instant; what comes late asks for a sum of all that lies behind it.
Source: docs/rules/stock.md#value, docs/rules/stock.md#gap.
"""

from typing import Final

from atp_stream.domain.stock import instants
from atp_stream.domain.stock.facts import NEVER, saturated
from atp_stream.domain.stock.place import Place
from atp_stream.domain.stock.rows import Instant

MAX_LOOK_BACK: Final = 500
"""So many stamps are looked back over for what was held before an instant in doubt."""

_FORGOTTEN, _KNOWN, _SURE = range(3)


def move(place: Place, instant: Instant, delta: int) -> None:
    """Follow a delta without an absolute that is not behind the newest absolute."""
    row, at_us = place.row, instant.at_us
    if at_us > row.base_at_us:
        row.since_base = saturated(row.since_base + delta)
    elif at_us == row.base_at_us:
        _end_base(place, instant)
    elif not row.base_sure:
        _end_base(place, place.find(row.base_at_us))
    if row.p_at_us < at_us < row.at_us:
        row.between = saturated(row.between + delta)
    elif at_us == row.p_at_us:
        row.p_end = _end(place, instant)
    elif at_us < row.p_at_us and not row.p_sure:
        row.p_end = _end(place, place.find(row.p_at_us))
    if at_us == row.at_us or row.sure < _SURE:  # else its end does not ask what was before
        _resolve(place, instant if at_us == row.at_us else None)


def state(place: Place, instant: Instant, delta: int) -> None:
    """Follow an absolute, stated with `delta` (0 of a count)."""
    row, at_us = place.row, instant.at_us
    if at_us > row.at_us:
        _begin(place, instant, delta)
    else:
        if at_us > row.base_at_us:
            row.since_base = saturated(row.since_base + delta)
        _state_earlier(place, instant)
        if at_us - place.rules.skew_us > row.included_at_us:
            include(place, at_us)
    _set_base(place, instant)
    basis = instants.basis(instant)
    if basis is not None and at_us >= row.basis_at_us:
        row.basis_at_us, row.basis = at_us, basis
    _resolve(place, instant if at_us == row.at_us else None)


def include(place: Place, at_us: int) -> None:
    """Let an absolute include the shipments up to its stamp, less the skew; what is included stays so."""
    row = place.row
    border_us = at_us - place.rules.skew_us
    if border_us > row.included_at_us:  # noqa: PLR1730  (a call of `max` takes longer)
        row.included_at_us = border_us
    row.out = saturated(place.shipped_behind(row.included_at_us))


def _begin(place: Place, instant: Instant, delta: int) -> None:
    """Let an instant be the newest absolute."""
    row, at_us = place.row, instant.at_us
    after = 0 if at_us >= row.newest_at_us and at_us >= row.before_at_us else place.delta_behind(at_us)
    is_first = row.at_us == NEVER
    before = saturated(row.after + delta - instant.delta - after)
    if is_first:  # all deltas so far were `after`; what was before is their sum
        row.p_sure, row.between = False, before
        row.base_at_us, row.base_counts, row.since_base = at_us, False, 0
    else:
        row.p_at_us, row.p_end, row.p_sure = row.at_us, row.end if row.sure else None, row.sure == _SURE
        row.between = before
        row.since_base = saturated(row.since_base + before + instant.delta)
    row.at_us, row.after = at_us, after
    include(place, at_us)
    if is_first:
        row.base_included_at_us, row.base_out = row.included_at_us, row.out


def _state_earlier(place: Place, instant: Instant) -> None:
    """Let an instant in front of the newest absolute, or that one itself, be the absolute before it."""
    row, at_us = place.row, instant.at_us
    if row.p_at_us < at_us < row.at_us:
        row.p_at_us = at_us
        row.between = saturated(place.delta_behind(at_us) - row.after - place.find(row.at_us).delta)
    if at_us == row.p_at_us:
        row.p_end = _end(place, instant)
        row.p_sure = instants.is_sure(instant) or instants.has_count(instant)
    elif at_us < row.p_at_us and not row.p_sure:
        row.p_end = _end(place, place.find(row.p_at_us))


def _set_base(place: Place, instant: Instant) -> None:
    """Let the gap count from the newest instant with a count, or else from the first absolute."""
    row, at_us, counts = place.row, instant.at_us, instants.has_count(instant)
    included_at_us = at_us - place.rules.skew_us
    if at_us != row.base_at_us:
        is_newer_count = counts and (at_us > row.base_at_us or not row.base_counts)
        if not is_newer_count and (row.base_counts or at_us > row.base_at_us):
            if at_us < row.base_at_us and included_at_us > row.base_included_at_us:
                _include_in_base(place, included_at_us)
            return
        if at_us == row.at_us:
            included_at_us = row.included_at_us
        elif at_us > row.base_at_us:
            included_at_us = max(included_at_us, row.base_included_at_us)
        row.base_at_us = at_us
        row.since_base = 0 if at_us == row.at_us else saturated(place.delta_behind(at_us) - row.after)
        _include_in_base(place, included_at_us)
    elif included_at_us > row.base_included_at_us:
        _include_in_base(place, included_at_us)
    row.base_counts = counts
    _end_base(place, instant)


def _include_in_base(place: Place, at_us: int) -> None:
    """Let the base, or an absolute in front of it, include the shipments up to a stamp."""
    place.row.base_included_at_us = at_us
    place.row.base_out = saturated(place.shipped_behind(at_us))


def _end_base(place: Place, instant: Instant) -> None:
    """Set the end of what the gap counts from."""
    row, end = place.row, _end(place, instant)
    row.base_sure = instants.is_sure(instant) or instants.has_count(instant)
    row.base_end = instants.plain_end(instant) if end is None else end


def _resolve(place: Place, instant: Instant | None) -> None:
    """Set the end of the newest absolute; `instant` is its instant, None if that was not looked up yet."""
    row = place.row
    if instant is None:
        if row.at_us <= row.forgotten_at_us:
            return
        instant = place.find(row.at_us)
    row.end, row.sure = instants.plain_end(instant), _SURE
    if instant.stated is not None and not instants.is_sure(instant) and not instants.has_count(instant):
        row.sure = _KNOWN if row.p_end is not None else _FORGOTTEN
        if row.p_end is not None:
            expected = row.p_end + row.between + instant.delta
            if instants.is_end(place.rows, place.name, instant, expected):
                row.end = expected


def _end(place: Place, instant: Instant) -> int | None:
    """Return the end of an older instant; in doubt it asks the one before, None if that is forgotten or too far."""
    if instants.is_sure(instant) or instants.has_count(instant):
        return instants.plain_end(instant)
    row, run, moved = place.row, [instant], [0]
    for looked, one in enumerate(place.instants.backwards(row.facts, instant.at_us), 1):
        if one.at_us <= row.forgotten_at_us or looked > MAX_LOOK_BACK:
            return None
        if not one.is_absolute:
            moved[-1] += one.delta
        elif instants.is_sure(one) or instants.has_count(one):
            value = instants.plain_end(one)
            break
        else:
            run.append(one)
            moved.append(0)
    else:
        if row.forgotten_at_us != NEVER:
            return None
        value = 0  # there was nothing before
    for one, delta in zip(reversed(run), reversed(moved), strict=True):
        expected = value + delta + one.delta
        is_end = instants.is_end(place.rows, place.name, one, expected)
        value = expected if is_end else instants.plain_end(one)
    return value
