"""Events of supplies to commands: what is expected, on which day, and what has come.

A date is a day (UTC); an instant falls into its day. Without an event id, an event is named by supply, quantity, day
and location. Each function raises Refused with reason missing_supply, missing_quantity, missing_date or not_positive,
or what is wrong with an id, a quantity or a date.
"""

from typing import Any, Final

from atp_stream.domain.commands import AnyCommand, CancelSupply, ReceiveSupply, ScheduleSupply
from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason
from atp_stream.messages.input_events import CancelledSupplyForm, ReceivedSupplyForm, ScheduledSupplyForm
from atp_stream.messages.limits import MAX_ID_BYTES
from atp_stream.messages.subject import Subject
from atp_stream.messages.timestamps import day_of
from atp_stream.messages.validation import needed_id, optional_id, units

_FIELDS: Final = "supplyId (or supply_id)"


def schedule(subject: Subject, form: Any) -> AnyCommand:
    """Return the command of a supply that is scheduled or changed."""
    body: ScheduledSupplyForm = form
    supply, quantity, location = _supply(body), units(body.quantity), _location(body)
    day = day_of(body.expectedDate)
    if day is None:
        day = day_of(body.expected_date)
    if quantity is None:
        raise Refused(Reason.MISSING_QUANTITY, "no quantity")
    if day is None:
        raise Refused(Reason.MISSING_DATE, "neither expectedDate nor expected_date")
    return ScheduleSupply(
        event_id=subject.event_id or subject.named(supply, quantity, day, location),
        at_us=subject.at_us,
        supply=supply,
        quantity=quantity,
        day=day,
        location=location,
        kind=(body.kind or "")[:MAX_ID_BYTES],
        firm=body.firm is not False,
        reference=optional_id(body.reference, "reference") if body.reference else None,
    )


def cancel(subject: Subject, form: Any) -> AnyCommand:
    """Return the command of a supply that will not come."""
    body: CancelledSupplyForm = form
    supply = _supply(body)
    event_id = subject.event_id or subject.named(supply)
    return CancelSupply(
        event_id=event_id, at_us=subject.at_us, supply=supply, reason=(body.reason or "")[:MAX_ID_BYTES]
    )


def receive(subject: Subject, form: Any) -> AnyCommand:
    """Return the command of a receipt; one that moves the stock states its quantity."""
    body: ReceivedSupplyForm = form
    supply, quantity, location = _supply(body), units(body.quantity), _location(body)
    moves = (body.moves_stock if body.movesStock is None else body.movesStock) is True
    if moves and quantity is None:
        raise Refused(Reason.MISSING_QUANTITY, "a receipt that moves the stock has no quantity")
    return ReceiveSupply(
        event_id=subject.event_id or subject.named(supply, quantity, location),
        at_us=subject.at_us,
        supply=supply,
        quantity=quantity,
        location=location,
        final=body.final is True,
        moves_stock=moves,
    )


def _supply(body: CancelledSupplyForm) -> str:
    return needed_id(body.supplyId or body.supply_id, "supply", Reason.MISSING_SUPPLY, _FIELDS)


def _location(body: ScheduledSupplyForm | ReceivedSupplyForm) -> str:
    place = body.locationId or body.location_id
    return optional_id(place, "location") if place else ""
