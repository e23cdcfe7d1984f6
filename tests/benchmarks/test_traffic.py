"""The work of the benchmark: the same for everybody, and shaped as it says."""

from collections import Counter
from itertools import islice

from benchmarks.traffic import WORKLOADS, Happening, Workload, happenings

FEW = Workload("a few items", 10, 1.1)


def some(count: int) -> list[Happening]:
    return list(happenings(FEW, count))


def test_a_longer_run_begins_as_a_shorter_one() -> None:
    assert some(50) == list(islice(happenings(FEW, 9_000), 50))


def test_an_item_begins_with_its_first_stock() -> None:
    first: dict[str, Happening] = {}
    for happening in some(500):
        first.setdefault(happening.item, happening)

    assert {("adjusted", 8, 8)} == {(one.kind, one.quantity, one.level) for one in first.values()}


def test_half_of_the_events_move_stock_and_a_fifth_end_reservations() -> None:
    kinds = Counter(happening.kind for happening in some(10_000))

    assert {"adjusted": 50, "created": 30, "released": 10, "fulfilled": 10} == {
        kind: round(count / 100) for kind, count in kinds.items()
    }


def test_only_what_was_reserved_is_released_or_fulfilled_and_only_once() -> None:
    made: set[str] = set()
    for happening in some(5_000):
        if happening.kind == "created":
            made.add(happening.reservation)
        elif happening.kind != "adjusted":
            made.remove(happening.reservation)


def test_stock_is_never_sold_below_nothing() -> None:
    assert 0 <= min(happening.level for happening in some(5_000))


def test_the_most_popular_of_zipfs_items_has_a_seventh_of_the_events() -> None:
    items = Counter(happening.item for happening in happenings(WORKLOADS["zipf"], 20_000))

    assert 7 == round(20_000 / items.most_common(1)[0][1])
