"""The bounds that the rule pages state are those of the code."""

import re
from typing import Any

import pytest

from atp_stream.domain import (
    catching_up,
    document,
    holdings,
    movements,
    purge,
    quantity,
    reservation,
    room,
    standing,
    step,
    ticks,
    verbs,
    written,
)
from atp_stream.domain.stock import facts, generations, place, results, series
from atp_stream.messages.limits import LONGEST_ID
from tests.docs.pages import ROOT

BOUNDS: list[tuple[str, Any]] = [
    ("stock.md#no-bound", series.MAX_TAIL),
    ("stock.md#no-bound", place.MAX_IDS),
    ("stock.md#doubt", results.MAX_LOOK_BACK),
    ("stock.md#window", f"{document.MAX_WINDOW // (7 * 24 * 60 * 60)} weeks"),
    ("stock.md#window", f"{facts.StockRules().window // 3_600_000_000} hours"),
    ("stock.md#stock-time", f"W / {generations.SILENCE_PARTS}"),
    ("stock.md#included", f"W / {document.SKEW_PARTS}"),
    ("stock.md#purge", f"W / {purge.TICK_PARTS}"),
    ("stock.md#purge", purge.ROWS_PER_TICK),
    ("stock.md#pairing-bound", f"every one of the {movements.MOST_SHIPMENTS}"),
    ("reservations.md#parts", holdings.MOST_PIECES),
    ("reservations.md#movements", reservation.MOST_MOVEMENTS),
    ("availability.md#unknown", document.Document().unknown_channel_limit),
    ("policy.md#bounds", document.MAX_DOCUMENT),
    ("policy.md#bounds", document.MAX_OWN),
    ("policy.md#bounds", f"{document.MOST_CHANNELS} channels"),
    ("policy.md#bounds", f"{document.LONGEST_CHANNEL} bytes"),
    ("policy.md#contradictions", f"1 to {written.HIGHEST_RANK}"),
    ("policy.md#known", verbs.MOST_HEARD),
    ("policy.md#rollout-bounds", standing.MOST_EARLIER),
    ("policy.md#rollout-bounds", f"{standing.MOST_BYTES // 1_000_000} MB"),
    ("time.md#tick-order", ticks.MOST_PENDING),
    ("time.md#future", f"{document.Document().future_tolerance // 60} minutes"),
    ("time.md#retention", f"{document.Document().retention // (24 * 60 * 60)} days"),
    ("identity.md#order", catching_up.MOST_KEPT),
    ("identity.md#slices", room.SLICE),
    ("identity.md#slices", step.ENOUGH),
    ("identity.md#ids", LONGEST_ID),
    ("identity.md#quantities", quantity.INTEGER_DIGITS),
]


@pytest.mark.parametrize(("rule", "bound"), BOUNDS)
def test_a_rule_states_the_bound_of_the_code(rule: str, bound: Any) -> None:
    page, _, anchor = rule.partition("#")
    text = (ROOT / "docs" / "rules" / page).read_text().partition(f'<a id="{anchor}"></a>')[2].partition("<a id=")[0]
    stated = f"{bound:,}" if isinstance(bound, int) else bound

    assert re.search(rf"(?<![\d,]){re.escape(stated)}(?![\d,]\d)", text), text
