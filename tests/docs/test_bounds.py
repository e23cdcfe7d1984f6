"""The bounds that the rule pages state are those of the code."""

import re
from typing import Any

import pytest

from atp_stream.domain import quantity
from atp_stream.domain.item import policy_history
from atp_stream.domain.limits import DEFAULT_LIMITS
from atp_stream.domain.policy import parsing, schema
from atp_stream.domain.state import purge
from atp_stream.domain.stock import facts, generations, place, results, series
from atp_stream.messages.limits import MAX_ID_BYTES
from tests.docs.pages import ROOT

BOUNDS: list[tuple[str, Any]] = [
    ("stock.md#no-bound", series.MAX_TAIL),
    ("stock.md#no-bound", place.MAX_IDS),
    ("stock.md#doubt", results.MAX_LOOK_BACK),
    ("stock.md#window", f"{schema.MAX_WINDOW // (7 * 24 * 60 * 60)} weeks"),
    ("stock.md#window", f"{facts.StockRules().window_us // 3_600_000_000} hours"),
    ("stock.md#stock-time", f"W / {generations.SILENCE_PARTS}"),
    ("stock.md#included", f"W / {schema.SKEW_PARTS}"),
    ("stock.md#purge", f"W / {purge.TICK_PARTS}"),
    ("stock.md#purge", purge.ROWS_PER_TICK),
    ("stock.md#pairing-bound", f"every one of the {DEFAULT_LIMITS.shipments}"),
    ("reservations.md#parts", DEFAULT_LIMITS.parts),
    ("reservations.md#movements", DEFAULT_LIMITS.movements),
    ("availability.md#unknown", schema.Document().unknown_channel_limit),
    ("policy.md#bounds", schema.MAX_DOCUMENT),
    ("policy.md#bounds", schema.MAX_OWN),
    ("policy.md#bounds", f"{schema.MAX_CHANNELS} channels"),
    ("policy.md#bounds", f"{schema.MAX_CHANNEL_BYTES} bytes"),
    ("policy.md#contradictions", f"1 to {parsing.MAX_RANK}"),
    ("policy.md#known", policy_history.MAX_KNOWN_CHANGES),
    ("policy.md#rollout-bounds", DEFAULT_LIMITS.earlier_policies),
    ("policy.md#rollout-bounds", f"{DEFAULT_LIMITS.policy_bytes // 1_000_000} MB"),
    ("time.md#tick-order", DEFAULT_LIMITS.pending_ticks),
    ("time.md#future", f"{schema.Document().future_tolerance // 60} minutes"),
    ("time.md#retention", f"{schema.Document().retention // (24 * 60 * 60)} days"),
    ("identity.md#order", DEFAULT_LIMITS.deferred),
    ("identity.md#slices", DEFAULT_LIMITS.slice),
    ("identity.md#slices", DEFAULT_LIMITS.step_output),
    ("identity.md#ids", MAX_ID_BYTES),
    ("identity.md#quantities", quantity.INTEGER_DIGITS),
]


@pytest.mark.parametrize(("rule", "bound"), BOUNDS)
def test_a_rule_states_the_bound_of_the_code(rule: str, bound: Any) -> None:
    page, _, anchor = rule.partition("#")
    text = (ROOT / "docs" / "rules" / page).read_text().partition(f'<a id="{anchor}"></a>')[2].partition("<a id=")[0]
    stated = f"{bound:,}" if isinstance(bound, int) else bound

    assert re.search(rf"(?<![\d,]){re.escape(stated)}(?![\d,]\d)", text), text
