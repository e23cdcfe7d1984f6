"""Events as the fold tells them, and strategies for more."""

from typing import Any

from hypothesis import strategies as st

from atp_stream.domain import names
from atp_stream.domain.events import (
    AllocationCommitted,
    AllocationReleased,
    AvailabilityCalculated,
    DenialOutcome,
    ReleaseReason,
    ReservationDenied,
)
from atp_stream.domain.quantity import LARGEST
from atp_stream.messages.outbound import Published, Role

GENESIS = "9f1c2b3a4d5e6f70"
IDS = {Role.AVAILABILITY: 1, Role.COMMITTED: 2, Role.RELEASED: 3, Role.DENIED: 0xFFFFFFFF}
AT = 1_714_564_800_123

_HEAD: dict[str, Any] = {"name": "acme|item-001", "version": 7, "at": AT, "offset": 42, "ordinal": 1}
CALCULATED = AvailabilityCalculated(**_HEAD, channel="ECOM", available=12_000, reserved=3000)
COMMITTED = AllocationCommitted(**_HEAD, reservation="r", channel="ECOM", quantity=525)
RELEASED = AllocationReleased(
    **_HEAD, allocation=(40, 2), reservation="r", channel="ECOM", quantity=525, reason=ReleaseReason.REDUCED
)
DENIED = ReservationDenied(
    **_HEAD, reservation="r", channel="ECOM", quantity=500, outcome=DenialOutcome.PARTIAL, reason="not_enough"
)
EVERY: list[Published] = [CALCULATED, COMMITTED, RELEASED, DENIED]

_TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=300)
_AMOUNTS = st.integers(-LARGEST, LARGEST)
_HEADS: dict[str, Any] = {
    "name": st.builds(names.join, _TEXTS, _TEXTS),
    "version": st.integers(0, 2**63 - 1),
    "at": st.integers(0, 2**53),
    "offset": st.integers(0, 2**63 - 1),
    "ordinal": st.integers(0, 2**31 - 1),
    "channel": _TEXTS,
}
PUBLISHED: st.SearchStrategy[Published] = st.one_of(
    st.builds(AvailabilityCalculated, **_HEADS, available=_AMOUNTS, reserved=_AMOUNTS),
    st.builds(AllocationCommitted, **_HEADS, reservation=_TEXTS, quantity=_AMOUNTS),
    st.builds(
        AllocationReleased,
        **_HEADS,
        allocation=st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**31 - 1)),
        reservation=_TEXTS,
        quantity=_AMOUNTS,
        reason=st.sampled_from(ReleaseReason),
    ),
    st.builds(
        ReservationDenied,
        **_HEADS,
        reservation=_TEXTS,
        quantity=_AMOUNTS,
        outcome=st.sampled_from(DenialOutcome),
        reason=st.text(st.characters(codec="utf-8"), max_size=2000),
    ),
)
