"""Random histories of a partition: few names, stamps and amounts, so that they meet."""

from typing import Any

from hypothesis import strategies as st

from atp_stream.domain.commands import AnyCommand, Entry, SetPolicy
from tests.domain.log import AT, NOON, adjust, confirm, count, fulfil, policy, release, reserve

LATE = 10 * 60 * 1_000_000  # further ahead than the policy lets a stamp be

NAMES = st.sampled_from(["acme|lamp", "acme|rug", "umbra|lamp"])
RESERVATIONS = st.sampled_from(["one", "two", "three", "four"])
CHANNELS = st.sampled_from(["ECOM", "ECOM", "STORE", "shop", "POPUP", None])
STAMPS = st.integers(0, 4).map(lambda minute: AT - minute * 60_000_000)
LOCATIONS = st.sampled_from(["", "", "", "north", "south"])
UNITS = st.integers(1, 9)

_rules = st.fixed_dictionaries(
    {}, optional={"buffer": st.integers(0, 3).map(lambda n: n / 100), "floor": st.just(0.02)}
)
_safety = st.fixed_dictionaries(
    {}, optional={"fixed": st.sampled_from([0.01, 0.03]), "percent": st.sampled_from([10, 50])}
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a policy in which channels come and go, `shop` may be another name of ECOM, and units may be withheld."""

    def section() -> dict[str, Any]:
        named = draw(st.sets(st.sampled_from(["STORE", "POPUP"])))
        found: dict[str, Any] = {"channels": {name: draw(_rules) for name in ["ECOM", *sorted(named)]}}
        if draw(st.booleans()):
            found["aliases"] = {"shop": "ECOM"}
        if draw(st.booleans()):
            found["safety_stock"] = draw(_safety)
        if draw(st.booleans()):
            found["rule"] = draw(_rules)
        if draw(st.booleans()):
            found["items"] = {"lamp": {"channels": {"LATER": {}}, "rule": draw(_rules), "safety_stock": draw(_safety)}}
        return found

    document: dict[str, Any] = {
        "unknown_channels": draw(st.sampled_from(["accept", "refuse"])),
        "default_channel": draw(st.sampled_from(["ECOM", "STORE"])),
        "stock": {"skew": draw(st.sampled_from([0, 60]))},
        "tenants": {"*": section()},
    }
    if draw(st.booleans()):
        document["tenants"]["umbra"] = section()
    return document


@st.composite
def commands(draw: st.DrawFn) -> AnyCommand:
    """Draw a command to an item."""
    at = draw(STAMPS) if draw(st.integers(0, 19)) else AT + LATE
    named = f"event {draw(st.integers(0, 9_999))}"
    kind = draw(st.sampled_from(["adjust", "count", "reserve", "reserve", "reserve", "confirm", "release", "fulfil"]))
    units = draw(UNITS)
    part = draw(st.sampled_from([None, units]))
    match kind:
        case "adjust":
            delta, absolute = draw(st.integers(-5, 12)), draw(st.none() | st.integers(0, 20))
            ships = draw(st.none() | RESERVATIONS)
            return adjust(delta, absolute, at, event_id=named, reservation=ships, location=draw(LOCATIONS))
        case "count":
            return count(draw(st.integers(0, 20)), at, event_id=named, location=draw(LOCATIONS))
        case "reserve":
            return reserve(draw(RESERVATIONS), units, draw(CHANNELS), at, event_id=named, location=draw(LOCATIONS),
                           priority=draw(st.integers(-1, 1)), allow_partial=draw(st.booleans()),
                           allow_backorder=draw(st.sampled_from([True, True, False])),
                           expires_at=draw(st.sampled_from([None, AT])))  # fmt: skip
        case "confirm":
            return confirm(draw(RESERVATIONS), at, event_id=named)
        case "release":
            return release(draw(RESERVATIONS), part, at, event_id=named)
        case _:
            return fulfil(draw(RESERVATIONS), part, at, event_id=named, location=draw(LOCATIONS))


@st.composite
def histories(draw: st.DrawFn, *, policies: bool = True, most: int = 30, one_item: bool = False) -> list[Entry]:
    """Draw the entries of a log."""
    entries: list[Entry] = []
    for offset in range(draw(st.integers(0, most))):
        command: AnyCommand
        if entries and not draw(st.integers(0, 7)):  # upstream says it again
            again = draw(st.sampled_from(entries))
            if not isinstance(again.command, SetPolicy):
                entries.append(again._replace(offset=offset))
                continue
        if policies and not draw(st.integers(0, 9)):
            name, command = "|", policy(draw(documents()), event_id="policy")
        else:
            name, command = "acme|lamp" if one_item else draw(NAMES), draw(commands())
        entries.append(Entry(0, offset, NOON, name, command))
    return entries
