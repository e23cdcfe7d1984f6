"""What the policy document may just say, and what is one too many."""

from typing import Any

import msgspec
import pytest

from atp_stream.domain.policy.rules import PolicyError, parse
from atp_stream.domain.policy.schema import MAX_DOCUMENT

CENTURY = 3_153_600_000


def written(**document: Any) -> bytes:
    return msgspec.json.encode(document)


def for_all(**section: Any) -> bytes:
    return written(tenants={"*": section})


def rule(**rule: Any) -> bytes:
    return for_all(channels={"A": rule})


@pytest.mark.parametrize(
    "document",
    [
        written(stock={"window": 60, "skew": 15, "tail": 1}, retention=0, drift_grace=0, future_tolerance=0),
        written(stock={"window": 4_838_400, "skew": -1_209_600, "tail": 100}, retention=CENTURY, drift_grace=CENTURY),
        written(future_tolerance=CENTURY),
        written(unknown_channel_limit=0),
        written(unknown_channel_limit=64),
        for_all(time_limit=1),
        for_all(time_limit=CENTURY),
        for_all(safety_stock={"fixed": 0, "percent": 0}),
        for_all(safety_stock={"percent": 100}),
        for_all(channels={f"c{n}": {} for n in range(64)}),
        for_all(frozen={f"c{n}": True for n in range(64)}),
        for_all(channels={"é" * 32: {}}),
        rule(buffer=0, floor=0),
        rule(kind="QUOTA", rank=1, min=0),
        rule(kind="QUOTA", rank=1_000),
        rule(kind="SHARE", weight=1),
        rule(kind="SHARE", weight=0.0001),
        b" " * (MAX_DOCUMENT - 2) + b"{}",
    ],
)
def test_what_is_at_a_bound_is_allowed(document: bytes) -> None:
    assert parse(document).document is not None


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (written(stock={"window": CENTURY + 1}), "stock.window: is at most 100 years"),
        (written(stock={"window": 4_838_401}), "stock.window: is from 60 to 4838400 seconds"),
        (written(stock={"window": 59}), "stock.window: is from 60 to 4838400 seconds"),
        (written(retention=CENTURY + 1), "retention: is at most 100 years"),
        (written(drift_grace=-1), "drift_grace: must not be negative"),
        (written(drift_grace=CENTURY + 1), "drift_grace: is at most 100 years"),
        (written(future_tolerance=CENTURY + 1), "future_tolerance: is at most 100 years"),
        (written(unknown_channel_limit=-1), "unknown_channel_limit: is from 0 to 64"),
        (for_all(time_limit=0), "tenants.*.time_limit: is from 1 second to 100 years, or left out"),
        (for_all(time_limit=CENTURY + 1), "tenants.*.time_limit: is from 1 second to 100 years, or left out"),
        (for_all(safety_stock={"percent": 100.01}), "tenants.*.safety_stock.percent: is at most 100"),
        (for_all(frozen={f"c{n}": True for n in range(65)}), "tenants.*.frozen: are at most 64"),
        (for_all(frozen={"": True}), "tenants.*.frozen: a channel has a name"),
        (rule(weight=0.5), "tenants.*.channels.A.weight: belongs to SHARE, not to POOLED"),
        (rule(kind="SHARE", weight=0.5, overflow=False), "channels.A.overflow: belongs to QUOTA, not to SHARE"),
        (rule(kind="FROZEN", rank=1), "tenants.*.channels.A.rank: belongs to QUOTA, not to FROZEN"),
        (rule(min=0), "tenants.*.channels.A.min: belongs to QUOTA, not to POOLED"),
        (rule(kind="QUOTA", min=-1), "tenants.*.channels.A.min: must not be negative"),
        (rule(kind="QUOTA", rank=0), "tenants.*.channels.A.rank: is from 1 to 1000"),
        (rule(kind="QUOTA", rank=1_001), "tenants.*.channels.A.rank: is from 1 to 1000"),
        (b" " * (MAX_DOCUMENT - 1) + b"{}", "the document has 64001 bytes; 64000 are allowed"),
    ],
)
def test_what_is_beyond_a_bound_is_refused_with_its_place(document: bytes, why: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse(document)
    assert str(refused.value).endswith(why)
