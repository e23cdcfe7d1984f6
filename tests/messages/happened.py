"""Events as the fold tells them, and strategies for more."""

from typing import Any

from hypothesis import strategies as st

from atp_stream.domain import names
from atp_stream.domain.events import (
    OF_MANY,
    AllocationCommitted,
    AllocationReleased,
    AvailabilityCalculated,
    AvailabilityProjected,
    DenialOutcome,
    PromiseReason,
    Published,
    ReleaseReason,
    ReservationDenied,
    ReservationPromised,
    StockDrifted,
)
from atp_stream.domain.quantity import MAX_HUNDREDTHS
from atp_stream.domain.reasons import DenialReason
from atp_stream.messages.outbound import Role
from atp_stream.records import Output

GENESIS = "9f1c2b3a4d5e6f70"
TOPICS = {role: (f"topic of {role}", 3) for role in Role}
IDS = {role: number for number, role in enumerate(Role, start=1)} | {Role.DENIED: 0xFFFFFFFF}
AT = 1_714_564_800_123


def value_of(output: Output) -> bytes:
    """Return the value of an event, which is never null."""
    assert output.value is not None
    return output.value


_HEAD: dict[str, Any] = {"name": "acme|item-001", "version": 7, "log_time_ms": AT, "offset": 42, "ordinal": 1}
CALCULATED = AvailabilityCalculated(**_HEAD, channel="ECOM", available=12_000, reserved=3000)
COMMITTED = AllocationCommitted(**_HEAD, reservation="r", channel="ECOM", quantity=525)
RELEASED = AllocationReleased(
    **_HEAD, allocation=(40, 2), reservation="r", channel="ECOM", quantity=525, reason=ReleaseReason.REDUCED
)
DENIED = ReservationDenied(
    **_HEAD,
    reservation="r",
    channel="ECOM",
    quantity=500,
    outcome=DenialOutcome.PARTIAL,
    reason=DenialReason.REST_WAITS,
)
DRIFTED = StockDrifted(**_HEAD, gap=-250, on_hand=12_000, since_ms=AT - 30_000, resolved=False)
RESOLVED = StockDrifted(**_HEAD, gap=0, on_hand=12_000, since_ms=AT - 90_000, resolved=True)
PROMISED = ReservationPromised(
    **_HEAD,
    reservation="r",
    channel="ECOM",
    wanted=20_801,
    lines=((20_801, 5_000), (20_806, 1)),
    waiting=0,
    allocated=300,
    reason=PromiseReason.ASKED,
)
PROJECTED = AvailabilityProjected(
    **_HEAD, channel="ECOM", today=20_784, until=20_964, now=7_000, steps=((20_804, 9_500),)
)
EVERY: list[Published] = [CALCULATED, COMMITTED, RELEASED, DENIED, PROMISED, PROJECTED, DRIFTED, RESOLVED]

_TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=300)
_AMOUNTS = st.integers(-MAX_HUNDREDTHS, MAX_HUNDREDTHS)
_HEADS: dict[str, Any] = {
    "name": st.builds(names.join, _TEXTS, _TEXTS),
    "version": st.integers(0, 2**63 - 1),
    "log_time_ms": st.integers(0, 2**53),
    "offset": st.integers(0, 2**63 - 1),
    "ordinal": st.integers(OF_MANY, 2**31 - 1),
}
_IN_CHANNEL: dict[str, Any] = {**_HEADS, "channel": _TEXTS}
_DAYS = st.integers(0, 2_900_000)
_BY_DAY = st.lists(st.tuples(_DAYS, _AMOUNTS), max_size=3).map(tuple)
FLAT: st.SearchStrategy[Published] = st.one_of(
    st.builds(AvailabilityCalculated, **_IN_CHANNEL, available=_AMOUNTS, reserved=_AMOUNTS),
    st.builds(AllocationCommitted, **_IN_CHANNEL, reservation=_TEXTS, quantity=_AMOUNTS),
    st.builds(
        AllocationReleased,
        **_IN_CHANNEL,
        allocation=st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**31 - 1)),
        reservation=_TEXTS,
        quantity=_AMOUNTS,
        reason=st.sampled_from(ReleaseReason),
    ),
    st.builds(
        ReservationDenied,
        **_IN_CHANNEL,
        reservation=_TEXTS,
        quantity=_AMOUNTS,
        outcome=st.sampled_from(DenialOutcome),
        reason=st.text(st.characters(codec="utf-8"), max_size=2000),
    ),
    st.builds(
        StockDrifted, **_HEADS, gap=_AMOUNTS, on_hand=_AMOUNTS, since_ms=st.integers(0, 2**53), resolved=st.booleans()
    ),
)
PUBLISHED: st.SearchStrategy[Published] = st.one_of(
    FLAT,
    st.builds(
        ReservationPromised,
        **_IN_CHANNEL,
        reservation=_TEXTS,
        wanted=st.none() | _DAYS,
        lines=_BY_DAY,
        waiting=_AMOUNTS,
        allocated=_AMOUNTS,
        reason=st.sampled_from(PromiseReason),
    ),
    st.builds(AvailabilityProjected, **_IN_CHANNEL, today=_DAYS, until=_DAYS, now=_AMOUNTS, steps=_BY_DAY),
)
