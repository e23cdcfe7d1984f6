"""What is stored keeps its names, whatever the code calls it: what every version wrote is read."""

from collections.abc import Iterator

import msgspec
import pytest

from atp_stream.domain import commands
from atp_stream.domain.state import partition_rows, rows
from atp_stream.domain.stock import rows as stock
from atp_stream.domain.stock.generations import StockTimeRow
from atp_stream.domain.supply import rows as supply
from atp_stream.engine.position import Position

NAMES = {
    commands.AdjustStock: "delta absolute location reservation supply event_id at",
    commands.CancelSupply: "supply reason event_id at",
    commands.Confirm: "reservation event_id at",
    commands.CountStock: "on_hand location event_id at",
    commands.EditItem: "patch event_id at",
    commands.EditPolicy: "tenant patch event_id at",
    commands.Elapse: "event_id at",
    commands.Fulfil: "reservation quantity location event_id at",
    commands.Grant: "channel quantity percent event_id at",
    commands.Move: "channel to quantity event_id at",
    commands.ReceiveSupply: "supply quantity location final moves_stock event_id at",
    commands.Release: "reservation quantity reason event_id at",
    commands.Reserve: (
        "reservation quantity channel location reference expires_at priority allow_partial allow_backorder "
        "wanted event_id at"
    ),
    commands.ResumeItem: "event_id at",
    commands.Revoke: "channel quantity event_id at",
    commands.ScheduleSupply: "supply quantity day location kind firm reference event_id at",
    commands.SetPolicy: "document event_id at",
    commands.Tick: "event_id at",
    rows.Backorder: "reservation quantity priority allow_partial",
    rows.Channel: "available reserved waiting blocking granted consumed leaving promised",
    partition_rows.Clock: "pending",
    rows.DeferredCommand: "log_time command source original generation",
    rows.Drift: "since told timer",
    partition_rows.FoldRow: "version since",
    rows.Item: (
        "stock channels version policy offset log_time safety_stock late past unpaired stale duplicates work "
        "quarantine held stopped resuming source own heard timer purged_at drift scaled withdrawn dated "
        "supply_purged_at"
    ),
    partition_rows.PolicyRow: "offset log_time document heard source",
    partition_rows.PurgeRow: "below cursor timer",
    rows.Ranked: "reservation quantity",
    rows.Remainder: "at location",
    rows.Reservation: (
        "channel asked at requested released excess fulfilled adjusted allocations waiting queued priority "
        "allow_partial allow_backorder expires_at confirmed location reference ended release_rest fulfil_rest "
        "moved adjusted_at apart untold dropped known released_by fulfilled_by timer purge_at taken_back "
        "wanted undue promises"
    ),
    partition_rows.Sweep: "until cursor earlier",
    rows.Work: "offset log_time ordinal index until lose closed roll late freed enough",
    StockTimeRow: "seen eras",
    stock.Instants: "edge tail",
    stock.Location: (
        "generation newest_at before_at forgotten_at ids ids_before spilled facts left at end sure after p_at "
        "p_end p_sure between base_at base_end base_counts base_sure moved basis_at basis included_at out "
        "base_included_at base_out"
    ),
    stock.Shipments: "edge tail spans",
    stock.Stock: "on_hand gap basis split named bare homeless oldest oldest_at upgrading places shipments",
    supply.CurveRow: "days boundary timer arriving open undue absolute_at told",
    supply.Supply: "stated moved received adjusted final_at wholes moved_by received_by adjusted_by timer",
    Position: "format log applied log_time marks",
}  # fmt: skip

OLD_COMMAND = b'{"command":"reserve","reservation":"r","quantity":300,"expires_at":9,"event_id":"e","at":7}'
OLD_RESERVATION = b'{"channel":"ECOM","at":7,"moved":[[5,100,"north"]],"untold":2,"expires_at":9,"timer":9}'


def stored() -> Iterator[type[msgspec.Struct]]:
    """Yield what is stored by name: all but the structs that are stored as arrays."""
    for module in (commands, partition_rows, rows, stock, supply):
        for one in vars(module).values():
            if not isinstance(one, type) or not issubclass(one, msgspec.Struct) or one.__module__ != module.__name__:
                continue
            if not one.__struct_config__.array_like and one.__struct_encode_fields__:
                yield one
    yield from (StockTimeRow, Position)


@pytest.mark.parametrize("one", sorted(set(stored()) - {commands.Command, commands.Entry}, key=str))
def test_the_names_in_what_is_stored_stay(one: type[msgspec.Struct]) -> None:
    assert NAMES[one].split() == list(one.__struct_encode_fields__)


def test_an_old_command_is_read_as_it_was_meant() -> None:
    expected = commands.Reserve(event_id="e", at_us=7, reservation="r", quantity=300, expires_at_us=9)
    assert expected == msgspec.json.decode(OLD_COMMAND, type=commands.AnyCommand)
    assert OLD_COMMAND == msgspec.json.encode(expected)


def test_an_old_reservation_is_read_as_it_was_meant() -> None:
    shipment = rows.MatchedShipment(5, 100, "north")
    expected = rows.Reservation(channel="ECOM", at_us=7, shipments=[shipment], unmatched=2, expires_at_us=9, timer_us=9)
    assert expected == msgspec.json.decode(OLD_RESERVATION, type=rows.Reservation)
