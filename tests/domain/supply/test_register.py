"""The register of a supply: the order of arrival and duplicates do not matter, and what is open is never below 0."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atp_stream.domain.commands import AdjustStock, CancelSupply, ReceiveSupply, ScheduleSupply
from atp_stream.domain.errors import Refused
from atp_stream.domain.supply import register
from atp_stream.domain.supply.rows import Statement, Supply
from tests.domain.model.supply import Said, SupplyModel
from tests.domain.support.histories import dice

FEW = settings(max_examples=4 * settings().max_examples)


def takes(row: Supply, said: Said) -> bool:
    match said:
        case ScheduleSupply():
            return register.state(
                row,
                Statement(
                    said.at_us, False, not said.firm, said.quantity, said.day, said.event_id, said.location, said.kind,
                    said.reference,
                ),
            )  # fmt: skip
        case CancelSupply():
            return register.state(row, Statement(said.at_us, True, False, 0, 0, said.event_id))
        case ReceiveSupply():
            return register.receive(
                row, said.event_id, said.at_us, said.quantity, location=said.location, final=said.final,
                moves=said.moves_stock,
            )  # fmt: skip
        case AdjustStock():
            return register.adjust(row, said.event_id, said.delta, said.location)


def schedule(quantity: int, day: int = 10, at: int = 1, **rest: Any) -> ScheduleSupply:
    return ScheduleSupply(
        **{"event_id": f"s{at}", "at_us": at, "supply": "po", "quantity": quantity, "day": day, **rest}
    )


def receive(quantity: int | None = None, at: int = 2, event_id: str = "r", **rest: Any) -> ReceiveSupply:
    return ReceiveSupply(**{"event_id": event_id, "at_us": at, "supply": "po", "quantity": quantity, **rest})


def adjust(delta: int, event_id: str = "a", at: int = 2) -> AdjustStock:
    return AdjustStock(event_id=event_id, at_us=at, delta=delta, supply="po")


def cancel(at: int = 2) -> CancelSupply:
    return CancelSupply(event_id=f"c{at}", at_us=at, supply="po")


def row_of(*said: Said) -> Supply:
    row = Supply()
    for one in said:
        takes(row, one)
    return row


def open_and_over(*said: Said) -> tuple[int, int]:
    row = row_of(*said)
    return register.open_units(row), register.over(row)


def thrown(r: Random) -> Said:
    at, event = r.randrange(1, 5), f"e{r.randrange(4)}"
    match r.randrange(6):
        case 0 | 1:
            return schedule(
                r.choice([3, 5, 8]), r.randrange(9, 12), at, event_id=event, firm=r.random() < 0.8,
                location=r.choice(["", "DC"]),
            )  # fmt: skip
        case 2:
            return CancelSupply(event_id=event, at_us=at, supply="po")
        case 3 | 4:
            moves, final = r.random() < 0.4, r.random() < 0.2
            units = r.choice([1, 4]) if moves else r.choice([None, 1, 4])
            named = f"{event} {units} {at} {final}"
            return receive(units, at, named, final=final, moves_stock=moves, location=r.choice(["", "DC"]))
        case _:
            units = r.choice([-4, 2, 4])
            return adjust(units, event + str(units), at)


@FEW
@given(st.lists(dice(thrown), max_size=12), st.randoms(use_true_random=False))
def test_j9_any_order_of_arrival_with_any_duplicates_gives_the_same_row(said: list[Said], r: Random) -> None:
    shuffled = [*said, *r.sample(said, len(said) // 2)]
    r.shuffle(shuffled)
    assert row_of(*said) == row_of(*shuffled)


@FEW
@given(st.lists(dice(thrown), max_size=12))
def test_what_is_open_and_over_is_what_the_list_says(said: list[Said]) -> None:
    model = SupplyModel()
    news = [model.hears(one) for one in said]
    row = Supply()
    assert news == [takes(row, one) for one in said]
    expected = model.open(), model.over(), model.ordered(), model.come()
    assert expected == (register.open_units(row), register.over(row), register.ordered(row), register.come(row))


def test_t12_an_over_receipt_that_is_taken_back_restores_what_was_ordered() -> None:
    assert (0, 3) == open_and_over(schedule(300), adjust(303))
    assert (300, 0) == open_and_over(schedule(300), adjust(303), adjust(-303, "back"))


def test_twice_as_much_as_was_ordered_leaves_nothing_open_and_nothing_below_0() -> None:
    assert (0, 50) == open_and_over(schedule(50), receive(100))


def test_a_receipt_and_the_adjustment_that_names_the_supply_report_the_same_units() -> None:
    assert (10, 0) == open_and_over(schedule(50), receive(40), adjust(40))


def test_a_receipt_that_moves_the_stock_is_a_movement_of_its_own() -> None:
    assert (5, 0) == open_and_over(schedule(50), receive(25, moves_stock=True), adjust(20))


def test_a_receipt_before_its_schedule_is_remembered() -> None:
    assert (20, 0) == open_and_over(receive(30), schedule(50, at=5))


def test_behind_a_final_receipt_nothing_is_open_until_a_newer_statement() -> None:
    assert (0, 0) == open_and_over(schedule(50), receive(45, final=True))
    assert (15, 0) == open_and_over(schedule(50), receive(45, final=True), schedule(60, at=3))


def test_a_receipt_of_all_that_is_open_means_what_was_ordered_when_it_was_stamped() -> None:
    assert (0, 0) == open_and_over(schedule(50), receive())
    assert (10, 0) == open_and_over(schedule(60, at=3), receive(), schedule(50))


def test_the_newest_statement_holds_and_of_one_stamp_the_one_that_promises_less() -> None:
    assert (40, 0) == open_and_over(schedule(40, at=3), schedule(50, at=2))
    assert (40, 0) == open_and_over(schedule(50, event_id="x"), schedule(40, event_id="y"))
    assert (0, 0) == open_and_over(schedule(50, at=2), cancel(at=2))


def test_a_newer_statement_takes_a_cancellation_back() -> None:
    assert (50, 0) == open_and_over(schedule(50), cancel(at=2), schedule(50, at=3))


def test_a_supply_that_is_not_firm_does_not_count() -> None:
    assert [True, False] == [register.counts(row_of(schedule(50, firm=firm))) for firm in (True, False)]


def test_one_receipt_too_many_is_refused() -> None:
    row = row_of(*(receive(1, event_id=f"r{number}") for number in range(256)))
    with pytest.raises(Refused, match="too_many_movements"):
        takes(row, receive(1, event_id="one more"))
    assert not takes(row, receive(1, event_id="r7"))
