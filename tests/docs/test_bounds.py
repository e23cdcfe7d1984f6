"""The bounds that the rule pages state are those of the code."""

import re
from typing import Any

import pytest

from atp_stream.domain import budget, quantity
from atp_stream.domain.fold import step, unfinished_work
from atp_stream.domain.item import operator_commands, policy_history, ticks
from atp_stream.domain.policy import parsing, schema
from atp_stream.domain.reservations import balances, lifecycle, shipment_matching
from atp_stream.domain.state import purge
from atp_stream.domain.stock import facts, generations, place, results, series
from atp_stream.messages.limits import MAX_ID_BYTES
from tests.docs.pages import ROOT

BOUNDS: list[tuple[str, Any]] = [
    ("stock.md#no-bound", series.MAX_TAIL),
    ("stock.md#no-bound", place.MAX_IDS),
    ("stock.md#doubt", results.MAX_LOOK_BACK),
    ("stock.md#window", f"{schema.MAX_WINDOW // (7 * 24 * 60 * 60)} weeks"),
    ("stock.md#window", f"{facts.StockRules().window // 3_600_000_000} hours"),
    ("stock.md#stock-time", f"W / {generations.SILENCE_PARTS}"),
    ("stock.md#included", f"W / {schema.SKEW_PARTS}"),
    ("stock.md#purge", f"W / {purge.TICK_PARTS}"),
    ("stock.md#purge", purge.ROWS_PER_TICK),
    ("stock.md#pairing-bound", f"every one of the {shipment_matching.MAX_SHIPMENTS}"),
    ("reservations.md#parts", balances.MAX_PIECES),
    ("reservations.md#movements", lifecycle.MAX_MOVEMENTS),
    ("availability.md#unknown", schema.Document().unknown_channel_limit),
    ("policy.md#bounds", schema.MAX_DOCUMENT),
    ("policy.md#bounds", schema.MAX_OWN),
    ("policy.md#bounds", f"{schema.MAX_CHANNELS} channels"),
    ("policy.md#bounds", f"{schema.MAX_CHANNEL_BYTES} bytes"),
    ("policy.md#contradictions", f"1 to {parsing.MAX_RANK}"),
    ("policy.md#known", operator_commands.MAX_HEARD),
    ("policy.md#rollout-bounds", policy_history.MAX_EARLIER),
    ("policy.md#rollout-bounds", f"{policy_history.MAX_BYTES // 1_000_000} MB"),
    ("time.md#tick-order", ticks.MAX_PENDING),
    ("time.md#future", f"{schema.Document().future_tolerance // 60} minutes"),
    ("time.md#retention", f"{schema.Document().retention // (24 * 60 * 60)} days"),
    ("identity.md#order", unfinished_work.MAX_DEFERRED),
    ("identity.md#slices", budget.SLICE),
    ("identity.md#slices", step.ENOUGH),
    ("identity.md#ids", MAX_ID_BYTES),
    ("identity.md#quantities", quantity.INTEGER_DIGITS),
]


@pytest.mark.parametrize(("rule", "bound"), BOUNDS)
def test_a_rule_states_the_bound_of_the_code(rule: str, bound: Any) -> None:
    page, _, anchor = rule.partition("#")
    text = (ROOT / "docs" / "rules" / page).read_text().partition(f'<a id="{anchor}"></a>')[2].partition("<a id=")[0]
    stated = f"{bound:,}" if isinstance(bound, int) else bound

    assert re.search(rf"(?<![\d,]){re.escape(stated)}(?![\d,]\d)", text), text
