"""The work that the peers are asked to do."""

from benchmarks.comparison import expected
from benchmarks.peers.model import Event, Shelf
from benchmarks.traffic import Workload


def event(kind: str, quantity: int, on_hand: int = 0, channel: str = "ECOM") -> Event:
    return Event(kind=kind, itemId="a", quantity=quantity, onHand=on_hand, reservationId="r", channel=channel)


def test_a_reservation_is_committed_while_there_is_enough() -> None:
    shelf = Shelf(on_hand=5)

    assert [(True, True), (False, False)] == [shelf.take(event("created", 3)) for _ in range(2)]


def test_a_release_gives_back_what_the_channel_has() -> None:
    shelf = Shelf(on_hand=5, reserved={"ECOM": 2})

    assert (False, True) == shelf.take(event("released", 3))
    assert Shelf(on_hand=5, reserved={"ECOM": 0}) == shelf


def test_a_fulfilment_takes_it_off_the_shelf() -> None:
    shelf = Shelf(on_hand=5, reserved={"ECOM": 2})

    assert (False, True) == shelf.take(event("fulfilled", 2))
    assert Shelf(on_hand=3, reserved={"ECOM": 0}) == shelf


def test_what_must_come_out_is_counted_beforehand() -> None:
    wanted = expected(Workload("one item", 1, 0.0), 1)

    assert (0, 1, {"item-000000": 8}) == tuple(wanted)
