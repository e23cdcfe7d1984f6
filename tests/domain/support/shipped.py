"""A log of counted locations, and what a reservation's fulfilments have taken out of them."""

from tests.domain.support.log import AT, Log, count

BEFORE = AT - 1_000


def log_with(**units: int) -> Log:
    """Return a log in which each location has been counted."""
    log = Log()
    log.say(*(count(on_hand, BEFORE, location=location) for location, on_hand in units.items()))
    return log


def on_hand(log: Log) -> int:
    return log.item().stock.on_hand


def counted_shipments(log: Log, reservation: str = "a") -> list[tuple[int, int, str]]:
    """Return what fulfilments alone have taken out of the stock."""
    row = log.reservation(reservation)
    return [
        (one.at_us - AT, one.quantity - one.repeated, one.location)
        for one in row.shipments
        if one.quantity > one.repeated
    ]
