"""What both contenders of latency are sent, what is read of them, and what is made of it."""

from typing import Any

import msgspec
import pytest

from atp_stream.demo.wire import framed
from atp_stream.messages import schema_files
from benchmarks.contenders import avro_probe, json_probe
from benchmarks.latency import Usage, figures, first_stock, message_of

AT_US = 1_764_000_000_000_001
BEFORE, AFTER = Usage(100.0, 1.0, 10.0), Usage(110.0, 4.0, 15.0)


def said(number: int) -> dict[str, Any]:
    return dict(msgspec.json.decode(message_of(number, AT_US).value))


def test_an_item_that_starts_with_ten_million_has_one_more_after_its_first_adjustment() -> None:
    first = msgspec.json.decode(first_stock(0, AT_US))

    assert [("item-000000", 10_000_000, 10_000_000), ("item-000000", 1, 10_000_001)] == [
        (one["product_id"], one["adjusted_quantity"], one["new_quantity"]) for one in (first, said(0))
    ]


def test_a_reservation_says_all_that_both_ask_for() -> None:
    assert {
        "eventId": "created-2001",
        "timestamp": "2025-11-24T16:00:00.000001Z",
        "itemId": "item-000000",
        "reservationId": "r-2001",
        "channel": "ECOM",
        "quantity": 2,
    } == said(2_001)


def test_every_second_message_is_a_reservation_that_is_known_by_item_and_units_alone() -> None:
    probes = [message_of(number, AT_US).probe for number in range(8_000)]

    assert [None] * 4_000 == probes[::2]
    assert 4_000 == len(set(probes[1::2]))


def test_no_event_has_the_id_of_another() -> None:
    ids = [msgspec.json.decode(first_stock(number, AT_US))["event_id"] for number in range(1_000)]
    ids += [one.get("eventId") or one["event_id"] for one in map(said, range(3_000))]

    assert 4_000 == len(set(ids))


def test_our_allocation_and_that_of_the_peer_are_known_by_the_same() -> None:
    ours = framed(
        schema_files.schema("AllocationCommittedEvent"),
        7,
        {
            "eventId": "e", "timestamp": AT_US // 1_000, "tenantId": "acme", "allocationId": "a",
            "itemId": "item-000001", "channel": "ECOM", "quantity": 300, "reservationId": "r",
        },
    )  # fmt: skip
    theirs = b'{"eventId":"e","timestamp":1,"tenantId":"acme","itemId":"item-000001","channel":"ECOM","quantity":3}'

    assert [("item-000001", 3)] * 2 == [avro_probe()(ours), json_probe(theirs)]


def test_latency_counts_from_the_end_of_the_warm_up() -> None:
    sent = {("a", 1): 99.0, ("a", 2): 100.0, ("a", 3): 101.0}
    seen = {("a", 1): 99.9, ("a", 2): 100.25, ("a", 3): 101.5}
    found = figures(sent, seen, BEFORE, AFTER)

    assert (2, 250.0, 500.0, 500.0) == tuple(found[name] for name in ("reservations", "p50_ms", "p99_ms", "max_ms"))


def test_what_was_never_read_is_lost_also_if_it_was_sent_while_warming_up() -> None:
    sent = {("a", 1): 99.0, ("a", 2): 100.0, ("a", 3): 101.0}

    assert 2 == figures(sent, {("a", 2): 100.25}, BEFORE, AFTER)["lost"]


def test_cpu_is_a_share_of_the_time_that_counts() -> None:
    found = figures({("a", 1): 100.0}, {("a", 1): 100.5}, BEFORE, AFTER)

    assert (0.3, 0.5) == (found["cpu_share"], found["broker_share"])


def test_a_run_of_which_nothing_came_back_has_no_figures() -> None:
    with pytest.raises(RuntimeError, match="no allocation of 1 reservations was read"):
        figures({("a", 1): 100.0}, {}, BEFORE, AFTER)
