"""What lists cost is measured on what they really answer."""

from collections.abc import Generator
from pathlib import Path

import pytest

from benchmarks import lists, table
from benchmarks.lists import Stretches


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    return lists.measure(Path(tmp_path_factory.mktemp("lists")), 400)


def test_every_item_is_counted_and_every_page_is_asked_for(found: dict[str, dict[str, float]]) -> None:
    assert {"by name", "at risk", "totals", "count for pages", "count for metrics"} == found.keys()
    assert [400, 400] == [found[f"count for {name}"]["items"] for name in ("pages", "metrics")]
    assert 0 < found["by name"]["ms"] <= found["by name"]["max_ms"]


def test_a_count_that_rests_longer_takes_longer(found: dict[str, dict[str, float]]) -> None:
    for name, share in (("pages", 10), ("metrics", 50)):
        one = found[f"count for {name}"]
        assert share == round(one["complete_s"] / one["cpu_s"])


def test_a_stretch_ends_where_others_have_their_turn() -> None:
    class Turn:
        def __await__(self) -> Generator[None, None, None]:
            yield

    async def work() -> str:
        await Turn()
        await Turn()
        return "done"

    stretches = Stretches()
    assert "done" == stretches.run(work())
    assert 1 == len(stretches.whole)
    assert stretches.longest <= stretches.whole[0]


def test_the_table_has_a_line_for_each_list_and_count(found: dict[str, dict[str, float]]) -> None:
    dated = {name: {**one, "date": "2026-11-28"} for name, one in found.items()}
    text = table._lists(400, dated)
    assert "### Lists over 400 items" in text
    assert 5 == text.count("\n| ")  # the head, what is under it, and three lists
    assert 2 == text.count("- *The count for ")
