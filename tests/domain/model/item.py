"""What each command means for one item; each word returns whether it was news, or raises Refusal."""

from collections.abc import Callable
from typing import Any

from atp_stream.domain.commands import (
    AdjustStock,
    CancelSupply,
    Confirm,
    CountStock,
    EditItem,
    Fulfil,
    Grant,
    Move,
    ReceiveSupply,
    Release,
    Reserve,
    Revoke,
    ScheduleSupply,
)
from tests.domain.model.acts import MILLISECOND, Acts
from tests.domain.model.dates import MICROSECONDS, Coming
from tests.domain.model.document import Refusal, Rules, same
from tests.domain.model.numbers import Channel
from tests.domain.model.pairing import Fulfilled
from tests.domain.model.reservation import Reservation
from tests.domain.model.stock import Fact
from tests.domain.model.supply import SupplyModel

PAST_DUE_DAYS = 90
VERBS_REMEMBERED = 64


class ItemModel(Acts):
    """One item, and all that can be said to it."""

    def answer(self, command: Any) -> bool:
        words: dict[type[Any], Callable[[Any], bool]] = {
            Reserve: self.reserve, Confirm: self.confirm, Release: self.release, Fulfil: self.fulfil,
            AdjustStock: self.adjust, CountStock: self.count,
            ScheduleSupply: self.schedule, CancelSupply: self.schedule, ReceiveSupply: self.receive,
            EditItem: self.verb, Grant: self.verb, Revoke: self.verb, Move: self.verb,
        }  # fmt: skip
        if command.at_us > self.now * MILLISECOND + self.rules.duration("future_tolerance", 300):
            raise Refusal("future")
        return words[type(command)](command)

    # Stock

    def adjust(self, command: AdjustStock) -> bool:
        ships = command.reservation is not None and command.delta < 0
        told = command.at_us, command.event_id, command.delta, command.absolute, ships, command.location
        counts = news = self.takes(Fact(*told, self.rules.skew()))
        if command.supply is not None:
            news |= self.adjust_supply(command, command.supply)
        if counts and command.absolute is not None:
            self.holds_what_has_come(command.at_us, command.location)
        if not news:
            return False
        if command.reservation is not None and ships and not self.was_purged(command.reservation, command.at_us):
            reservation = self.reservation(command.reservation)
            before = reservation.moved()
            reservation.adjusted[command.location] -= command.delta
            self.leave(reservation, reservation.moved() - before)
        return True

    def count(self, command: CountStock) -> bool:
        told = command.at_us, command.event_id, None, command.on_hand, False, command.location
        news = self.takes(Fact(*told, self.rules.skew()))
        if news:
            self.holds_what_has_come(command.at_us, command.location)
        return news

    def takes(self, fact: Fact) -> bool:
        news = all(known.known_by != fact.known_by for known in self.facts)
        self.facts += [fact] if news else []
        return news

    # Supplies

    def supply(self, name: str) -> SupplyModel:
        return self.supplies.setdefault(name, SupplyModel())

    def keep_supply(self, name: str) -> None:
        """See when a supply is forgotten: some time after its end, or long after its day."""
        supply, kept = self.supplies[name], self.rules.kept()
        holds = supply.holds()
        day = holds.day if isinstance(holds, ScheduleSupply) and supply.open() else None
        since = self.now * MILLISECOND if day is None else (day + PAST_DUE_DAYS + 1) * MICROSECONDS
        moment = max(since, self.now * MILLISECOND) + kept
        self.purges[name] = self.not_before_now(moment)

    def schedule(self, command: ScheduleSupply | CancelSupply) -> bool:
        if command.supply not in self.supplies and command.at_us <= (
            -1 if self.supply_purged_at is None else self.supply_purged_at
        ):
            raise Refusal("too_old")
        news = self.supply(command.supply).hears(command)
        if news:
            self.keep_supply(command.supply)
        return news

    def receive(self, command: ReceiveSupply) -> bool:
        supply = self.supply(command.supply)
        before = supply.open()
        if not supply.hears(command):
            return False
        if command.moves_stock:
            stated = command.at_us, f"receipt {command.event_id}", command.quantity, None, False, command.location
            self.takes(Fact(*stated, self.rules.skew()))
        elif before > supply.open() and not self.is_held(command):
            until = self.not_before_now(self.now * MILLISECOND + self.rules.supply("receipt_grace", 3600) * 1_000_000)
            units = before - supply.open()
            self.coming.append(Coming(command.supply, units, command.location, command.at_us, until))
        self.keep_supply(command.supply)
        return True

    def is_held(self, command: ReceiveSupply) -> bool:
        """Return whether an absolute holds already what has come."""
        if not command.location:
            return self.absolute_at >= command.at_us
        return any(
            fact.absolute is not None and fact.location == command.location and fact.at >= command.at_us
            for fact in self.facts
        )

    def adjust_supply(self, command: AdjustStock, name: str) -> bool:
        """Let an adjustment name a supply; what a receipt reported before is on the shelf now."""
        supply = self.supply(name)
        if not supply.hears(command):
            return False
        self.keep_supply(name)
        receipts = [one for one in supply.said if isinstance(one, ReceiveSupply)]
        moved = sum(one.quantity or 0 for one in receipts if one.moves_stock)
        adjusted = sum(one.delta for one in supply.said if isinstance(one, AdjustStock))
        left = max(0, supply.come() - moved - adjusted)
        for one in [one for one in self.coming if one.supply == name]:
            one.units = min(one.units, left)
            left -= one.units
        self.coming = [one for one in self.coming if one.units]
        return True

    def holds_what_has_come(self, at: int, location: str) -> None:
        """Let an absolute hold what has come of its location, or of none."""
        self.absolute_at = max(at, self.absolute_at)
        self.coming = [one for one in self.coming if one.location not in ("", location) or one.at > at]

    # Reservations

    def was_purged(self, name: str, at: int) -> bool:
        """Return whether a movement may be one of a reservation that was purged."""
        return name not in self.reservations and self.purged_at is not None and at <= self.purged_at

    def reservation(self, name: str) -> Reservation:
        """Return a reservation, from the first word about it on."""
        if name not in self.reservations:
            self.reservations[name] = Reservation(purge_at=self.purge_moment())
        return self.reservations[name]

    def reserve(self, command: Reserve) -> bool:
        asked = command.channel or self.rules.document.get("default_channel", "ECOM")
        channel = self.rules.resolved(asked, self.channels)
        reservation = self.reservations.get(command.reservation)
        if reservation is None or reservation.created_at is None:
            if self.purged_at is not None and command.at_us <= self.purged_at:
                raise Refusal("too_old")
            self.require_in_reach(command)
            if channel not in self.rules.named() and not self.rules.accepts_unknown():
                raise Refusal("unknown_channel")
            known = channel in self.channels
            self.channels.setdefault(channel, Channel())
            reservation = self.reservation(command.reservation)
            self.create(reservation, command, channel)
            if not known and not reservation.has_any():
                del self.channels[channel]
            return True
        if command.channel != reservation.asked and not same(channel, self.rules.resolved(reservation.channel)):
            raise Refusal("reservation_conflict")
        if command.at_us <= reservation.created_at:
            return False
        self.require_in_reach(command)
        if reservation.ended is None:
            self.replace(reservation, command)
            return True
        reason = "expired" if reservation.ended == "EXPIRED" else "already_ended"
        if reservation.ended == "EXPIRED":
            self.ask_anew(reservation, command)
        reservation.created_at, reservation.purge_at = command.at_us, self.purge_moment()
        self.events.append(("denied", command.reservation, command.quantity, "REJECTED", reason))
        return True

    def require_in_reach(self, command: Reserve) -> None:
        if command.wanted is not None and command.wanted > self.today() + self.horizon():
            raise Refusal("too_far")

    def describe(self, reservation: Reservation, command: Reserve) -> None:
        reservation.created_at, reservation.requested = command.at_us, command.quantity
        reservation.location = (
            command.location or reservation.location
        )  # and what left without a stated one moves there
        reservation.priority, reservation.partial = command.priority, command.allow_partial
        reservation.backorder = command.allow_backorder
        reservation.wanted, reservation.due = command.wanted, self.is_due(command.wanted)
        self.limit(reservation, None if reservation.confirmed else command.expires_at_us)

    def create(self, reservation: Reservation, command: Reserve, channel: str) -> None:
        reservation.channel, reservation.asked = channel, command.channel
        reservation.purge_at = None
        self.describe(reservation, command)
        if reservation.release_rest:
            reservation.released += reservation.owed()
        elif reservation.fulfil_rest is not None:
            at, location = reservation.fulfil_rest
            before, units = (
                reservation.moved(),
                max(0, reservation.requested - reservation.released - reservation.by_events()),
            )
            reservation.fulfilled.append(Fulfilled(at, units, location, rest=True))
            if reservation.moved() > before:
                self.end_if_empty(reservation, "FULFILLED")
        if reservation.owed():
            self.ask(command.reservation, reservation.owed())
        self.end_if_empty(reservation, "RELEASED" if reservation.released else "FULFILLED")

    def replace(self, reservation: Reservation, command: Reserve) -> None:
        grown = command.quantity - reservation.requested
        self.describe(reservation, command)
        for one in list(reservation.dated):
            if command.wanted is not None and one.day < command.wanted:
                reservation.dated.remove(one)
                reservation.expect(one.place, one.units, one.earmarked, command.wanted)
        if grown > 0:
            self.ask(command.reservation, grown)
        else:
            self.take(
                command.reservation,
                max(0, reservation.held() + reservation.waiting() + reservation.expected() - reservation.owed()),
                "REDUCED",
            )
            self.end_if_empty(reservation, "RELEASED")
        self.give_default_limit(reservation)

    def ask_anew(self, reservation: Reservation, command: Reserve) -> None:
        """Change what a confirm will claim of what time has ended; what had been denied is the first to shrink."""
        grown, limit = command.quantity - reservation.requested, reservation.expires_at
        self.describe(reservation, command)
        self.limit(reservation, limit)
        reservation.owed_then += grown
        reservation.expired = min(reservation.expired + max(0, grown), reservation.owed_then)

    def confirm(self, command: Confirm) -> bool:
        reservation = self.reservation(command.reservation)
        reopens = (
            reservation.ended == "EXPIRED"
            and reservation.expires_at is not None
            and command.at_us < reservation.expires_at
        )
        if reservation.confirmed or (reservation.ended is not None and not reopens):
            return False
        reservation.confirmed = True
        self.limit(reservation, None)
        if reopens:
            self.reopen(command.reservation, reservation)
        return True

    def reopen(self, name: str, reservation: Reservation) -> None:
        reservation.ended = reservation.purge_at = None
        reservation.due = self.is_due(reservation.wanted)
        self.channels.setdefault(reservation.channel, Channel(leaving=True))
        reservation.priority = max(
            [reservation.priority, *(-priority for priority, _, _ in self.queue(reservation.channel))]
        )
        if reservation.taken_by_time():
            self.ask(name, reservation.taken_by_time())
        self.end_if_empty(reservation, "RELEASED" if reservation.released else "FULFILLED")

    def release(self, command: Release) -> bool:
        reservation = self.reservation(command.reservation)
        if (type(command), command.event_id) in reservation.known:
            return False
        reservation.known.add((type(command), command.event_id))
        if reservation.created_at is None:
            reservation.release_rest |= command.quantity is None and reservation.fulfil_rest is None
            reservation.released += command.quantity or 0
            return True
        left = reservation.owed()
        units = left if command.quantity is None else command.quantity
        reservation.released += min(left, units)
        self.take(command.reservation, units, "CANCELLED")
        self.end_if_empty(reservation, "RELEASED")
        return True

    def fulfil(self, command: Fulfil) -> bool:
        if self.was_purged(command.reservation, command.at_us):
            raise Refusal("too_old")
        reservation = self.reservation(command.reservation)
        event = type(command), command.location, command.event_id
        if event in reservation.known:
            return False
        reservation.known.add(event)
        if reservation.created_at is None and command.quantity is None:
            reservation.fulfil_rest = reservation.fulfil_rest or (command.at_us, command.location)
            return True
        left = max(0, reservation.requested - reservation.released - reservation.by_events())
        units = left if command.quantity is None else command.quantity
        before = reservation.moved()
        reservation.fulfilled.append(Fulfilled(command.at_us, units, command.location, rest=command.quantity is None))
        self.leave(reservation, reservation.moved() - before)
        return True

    # Policy

    def verb(self, command: EditItem | Grant | Revoke | Move) -> bool:
        if command.event_id in self.verbs:
            return False
        match command:
            case EditItem():
                self.live_by(self.rules.with_own(bytes(command.patch)))
            case Grant():
                self.grant(command)
            case Revoke():
                self.revoke(command.channel, command.quantity)
            case Move():
                source, to = self.quota_channel(command.channel), self.quota_channel(command.to)
                if self.quota(source).left < command.quantity:
                    raise Refusal("not_enough_granted")
                self.channels[source].granted -= command.quantity
                self.channels[to].granted += command.quantity
        self.verbs = [*self.verbs, command.event_id][-VERBS_REMEMBERED:]
        return True

    def quota_channel(self, name: str) -> str:
        channel = self.rules.resolved(name, self.channels)
        if channel not in self.channels:
            raise Refusal("unknown_channel")
        if self.rules.kind_without_freeze(channel) != "QUOTA":
            raise Refusal("not_a_quota")
        return channel

    def grant(self, command: Grant) -> None:
        channel = self.quota_channel(command.channel)
        if command.percent is None:
            units = command.quantity or 0
        else:
            units = self.sold(max(self.free() * command.percent // 10_000, self.quota(channel).minimum))
        self.channels[channel].granted += units

    def revoke(self, name: str, units: int | None) -> None:
        channel = self.quota_channel(name)
        left = self.quota(channel).left
        self.channels[channel].granted -= left if units is None else min(left, units)

    def live_by(self, rules: Rules) -> None:
        """Live by other rules: channels come and go."""
        before, self.rules = self.rules, rules
        for channel in rules.named():
            self.channels.setdefault(channel, Channel()).leaving = False
        for channel, row in self.channels.items():
            row.leaving |= channel not in rules.named() and (channel in before.named() or rules.closed(channel))
