"""The books of one item's stock: what commands say of it, as sets of facts and of shipments."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from atp_stream.domain.commands import AdjustStock, AnyCommand, CountStock, Fulfil, Reserve
from tests.domain.model.pairing import Fulfilled, unpaired
from tests.domain.model.stock import Fact, Shipment, StockModel


@dataclass
class Reservation:
    """What of one reservation has to do with stock: where it was placed, and what left for it."""

    location: str = ""
    created_at: int | None = None
    known: set[str] = field(default_factory=set)
    fulfilled: list[Fulfilled] = field(default_factory=list)
    adjusted: Counter[str] = field(default_factory=Counter)

    def shipments(self) -> list[Shipment]:
        return [
            Shipment(one.at, one.quantity, one.location or self.location)
            for one in unpaired(self.fulfilled, self.adjusted)
        ]


class Books:
    """One item; a fact is entered only if it is taken in."""

    def __init__(self, skew: int = 0) -> None:
        self.skew = skew
        self.facts: dict[tuple[str, str, str], Fact] = {}
        self.reservations: defaultdict[str, Reservation] = defaultdict(Reservation)

    def fact(self, command: AdjustStock | CountStock) -> Fact:
        """Return what a command states about a location."""
        if isinstance(command, CountStock):
            return Fact(command.at_us, command.event_id, None, command.on_hand, False, command.location, self.skew)
        ships = command.reservation is not None and command.delta < 0
        return Fact(
            command.at_us, command.event_id, command.delta, command.absolute, ships, command.location, self.skew
        )

    def enter(self, command: AnyCommand) -> None:
        """Enter what a command says; what is known already changes nothing."""
        match command:
            case AdjustStock() | CountStock():
                fact = self.fact(command)
                if fact.known_by not in self.facts:
                    self.facts[fact.known_by] = fact
                    if isinstance(command, AdjustStock) and command.reservation is not None and fact.ships:
                        self.reservations[command.reservation].adjusted[command.location] -= command.delta
            case Reserve():
                reservation = self.reservations[command.reservation]
                if reservation.created_at is None or command.at_us > reservation.created_at:
                    reservation.created_at, reservation.location = (
                        command.at_us,
                        command.location or reservation.location,
                    )
            case Fulfil(quantity=int(units)):
                reservation = self.reservations[command.reservation]
                if command.event_id not in reservation.known:
                    reservation.known.add(command.event_id)
                    reservation.fulfilled.append(Fulfilled(command.at_us, units, command.location))

    def model(self) -> StockModel:
        gone = [one for reservation in self.reservations.values() for one in reservation.shipments()]
        return StockModel(self.facts.values(), gone)
