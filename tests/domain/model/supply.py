"""One supply as the model knows it: the list of all that was said of it, counted anew each time it is asked."""

from dataclasses import dataclass, field

from atp_stream.domain.commands import AdjustStock, CancelSupply, ReceiveSupply, ScheduleSupply

Said = ScheduleSupply | CancelSupply | ReceiveSupply | AdjustStock


@dataclass
class SupplyModel:
    """A supply; what is said twice counts once. `opened` is what was open of it after so many words."""

    said: list[Said] = field(default_factory=list)
    opened: tuple[int, int] = 0, 0

    def hears(self, command: Said) -> bool:
        news = all(self.known_by(one) != self.known_by(command) for one in self.said)
        self.said += [command] if news else []
        return news

    def known_by(self, command: Said) -> tuple[object, ...]:
        """Return what tells two things apart: a receipt by its event, a statement by all that it says."""
        match command:
            case ReceiveSupply():
                return "receipt", command.moves_stock, command.location, command.event_id
            case AdjustStock():
                return "adjustment", command.location, command.event_id
            case _:
                return "statement", self.weight(command)

    def weight(self, one: Said) -> tuple[object, ...]:
        """Return the order of statements: the newest, then the one that promises less."""
        if isinstance(one, ScheduleSupply):
            rest = one.day, one.event_id, one.location, one.kind, one.reference or ""
            return one.at_us, False, not one.firm, -one.quantity, *rest
        return one.at_us, True, False, 0, 0, one.event_id, "", "", ""

    def statements(self) -> list[ScheduleSupply | CancelSupply]:
        found = [one for one in self.said if isinstance(one, ScheduleSupply | CancelSupply)]
        return sorted(found, key=self.weight)

    def holds(self) -> ScheduleSupply | CancelSupply | None:
        return self.statements()[-1] if self.statements() else None

    def ordered(self) -> int:
        return self.asked_for(self.holds())

    def asked_for(self, one: Said | None) -> int:
        return one.quantity if isinstance(one, ScheduleSupply) else 0

    def ordered_at(self, at: int) -> int:
        then = [one for one in self.statements() if one.at_us <= at]
        return self.asked_for(then[-1]) if then else 0

    def come(self) -> int:
        receipts = [one for one in self.said if isinstance(one, ReceiveSupply)]
        moved = sum(one.quantity or 0 for one in receipts if one.moves_stock)
        counted = sum(one.quantity or 0 for one in receipts if not one.moves_stock)
        adjusted = sum(one.delta for one in self.said if isinstance(one, AdjustStock))
        whole = max((self.ordered_at(one.at_us) for one in receipts if one.quantity is None), default=0)
        return max(moved + max(counted, adjusted), whole)

    def open(self) -> int:
        if self.opened[0] != len(self.said):
            self.opened = len(self.said), self.counted_open()
        return self.opened[1]

    def counted_open(self) -> int:
        holds = self.holds()
        receipts = [one for one in self.said if isinstance(one, ReceiveSupply)]
        if holds is None or any((one.final or one.quantity is None) and one.at_us >= holds.at_us for one in receipts):
            return 0
        return max(0, self.ordered() - self.come())

    def over(self) -> int:
        return 0 if self.holds() is None else max(0, self.come() - self.ordered())

    def day(self) -> int | None:
        """Return the day on which what is open may be counted on; None if it may not."""
        holds = self.holds()
        return holds.day if isinstance(holds, ScheduleSupply) and holds.firm and self.open() else None
