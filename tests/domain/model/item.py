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
from tests.domain.model.order import Order
from tests.domain.model.pairing import Fulfilled
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
            order = self.order(command.reservation)
            before = order.moved()
            order.adjusted[command.location] -= command.delta
            self.leave(order, order.moved() - before)
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
            told = command.at_us, f"receipt {command.event_id}", command.quantity, None, False, command.location
            self.takes(Fact(*told, self.rules.skew()))
        elif before > supply.open() and not self.is_held(command):
            until = self.not_before_now(self.now * MILLISECOND + self.rules.supply("receipt_grace", 3600) * 1_000_000)
            units = before - supply.open()
            self.coming.append(Coming(command.supply, units, command.location, command.at_us, until))
        self.keep_supply(command.supply)
        return True

    def is_held(self, command: ReceiveSupply) -> bool:
        """Tell whether an absolute holds already what has come."""
        if not command.location:
            return self.absolute_at >= command.at_us
        return any(
            fact.absolute is not None and fact.location == command.location and fact.at >= command.at_us
            for fact in self.facts
        )

    def adjust_supply(self, command: AdjustStock, name: str) -> bool:
        """Let an adjustment tell of a supply; what a receipt told of before is on the shelf now."""
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
        """Tell whether a movement may be one of a reservation that was purged."""
        return name not in self.orders and self.purged_at is not None and at <= self.purged_at

    def order(self, name: str) -> Order:
        """Return a reservation, from the first word about it on."""
        if name not in self.orders:
            self.orders[name] = Order(purge_at=self.purge_moment())
        return self.orders[name]

    def reserve(self, command: Reserve) -> bool:
        asked = command.channel or self.rules.document.get("default_channel", "ECOM")
        channel = self.rules.resolved(asked, self.channels)
        order = self.orders.get(command.reservation)
        if order is None or order.created_at is None:
            if self.purged_at is not None and command.at_us <= self.purged_at:
                raise Refusal("too_old")
            self.require_in_reach(command)
            if channel not in self.rules.named() and not self.rules.accepts_unknown():
                raise Refusal("unknown_channel")
            known = channel in self.channels
            self.channels.setdefault(channel, Channel())
            order = self.order(command.reservation)
            self.create(order, command, channel)
            if not known and not order.has_any():
                del self.channels[channel]
            return True
        if command.channel != order.asked and not same(channel, self.rules.resolved(order.channel)):
            raise Refusal("reservation_conflict")
        if command.at_us <= order.created_at:
            return False
        self.require_in_reach(command)
        if order.ended is None:
            self.replace(order, command)
            return True
        reason = "expired" if order.ended == "EXPIRED" else "already_ended"
        if order.ended == "EXPIRED":
            self.ask_anew(order, command)
        order.created_at, order.purge_at = command.at_us, self.purge_moment()
        self.events.append(("denied", command.reservation, command.quantity, "REJECTED", reason))
        return True

    def require_in_reach(self, command: Reserve) -> None:
        if command.wanted is not None and command.wanted > self.today() + self.horizon():
            raise Refusal("too_far")

    def describe(self, order: Order, command: Reserve) -> None:
        order.created_at, order.requested = command.at_us, command.quantity
        order.location = command.location or order.location  # and what left without a stated one moves there
        order.priority, order.partial = command.priority, command.allow_partial
        order.backorder = command.allow_backorder
        order.wanted, order.due = command.wanted, self.is_due(command.wanted)
        self.limit(order, None if order.confirmed else command.expires_at_us)

    def create(self, order: Order, command: Reserve, channel: str) -> None:
        order.channel, order.asked = channel, command.channel
        order.purge_at = None
        self.describe(order, command)
        if order.release_rest:
            order.released += order.owed()
        elif order.fulfil_rest is not None:
            at, location = order.fulfil_rest
            before, units = order.moved(), max(0, order.requested - order.released - order.by_events())
            order.fulfilled.append(Fulfilled(at, units, location, rest=True))
            if order.moved() > before:
                self.end_if_empty(order, "FULFILLED")
        if order.owed():
            self.ask(command.reservation, order.owed())
        self.end_if_empty(order, "RELEASED" if order.released else "FULFILLED")

    def replace(self, order: Order, command: Reserve) -> None:
        grown = command.quantity - order.requested
        self.describe(order, command)
        for one in list(order.dated):
            if command.wanted is not None and one.day < command.wanted:
                order.dated.remove(one)
                order.expect(one.place, one.units, one.earmarked, command.wanted)
        if grown > 0:
            self.ask(command.reservation, grown)
        else:
            self.take(
                command.reservation, max(0, order.held() + order.waiting() + order.expected() - order.owed()), "REDUCED"
            )
            self.end_if_empty(order, "RELEASED")
        self.give_default_limit(order)

    def ask_anew(self, order: Order, command: Reserve) -> None:
        """Change what a confirm will claim of what time has ended; what had been denied is the first to shrink."""
        grown, limit = command.quantity - order.requested, order.expires_at
        self.describe(order, command)
        self.limit(order, limit)
        order.owed_then += grown
        order.expired = min(order.expired + max(0, grown), order.owed_then)

    def confirm(self, command: Confirm) -> bool:
        order = self.order(command.reservation)
        reopens = order.ended == "EXPIRED" and order.expires_at is not None and command.at_us < order.expires_at
        if order.confirmed or (order.ended is not None and not reopens):
            return False
        order.confirmed = True
        self.limit(order, None)
        if reopens:
            self.reopen(command.reservation, order)
        return True

    def reopen(self, name: str, order: Order) -> None:
        order.ended = order.purge_at = None
        order.due = self.is_due(order.wanted)
        self.channels.setdefault(order.channel, Channel(leaving=True))
        order.priority = max([order.priority, *(-priority for priority, _, _ in self.queue(order.channel))])
        if order.taken_by_time():
            self.ask(name, order.taken_by_time())
        self.end_if_empty(order, "RELEASED" if order.released else "FULFILLED")

    def release(self, command: Release) -> bool:
        order = self.order(command.reservation)
        if (type(command), command.event_id) in order.heard:
            return False
        order.heard.add((type(command), command.event_id))
        if order.created_at is None:
            order.release_rest |= command.quantity is None and order.fulfil_rest is None
            order.released += command.quantity or 0
            return True
        left = order.owed()
        units = left if command.quantity is None else command.quantity
        order.released += min(left, units)
        self.take(command.reservation, units, "CANCELLED")
        self.end_if_empty(order, "RELEASED")
        return True

    def fulfil(self, command: Fulfil) -> bool:
        if self.was_purged(command.reservation, command.at_us):
            raise Refusal("too_old")
        order = self.order(command.reservation)
        event = type(command), command.location, command.event_id
        if event in order.heard:
            return False
        order.heard.add(event)
        if order.created_at is None and command.quantity is None:
            order.fulfil_rest = order.fulfil_rest or (command.at_us, command.location)
            return True
        left = max(0, order.requested - order.released - order.by_events())
        units = left if command.quantity is None else command.quantity
        before = order.moved()
        order.fulfilled.append(Fulfilled(command.at_us, units, command.location, rest=command.quantity is None))
        self.leave(order, order.moved() - before)
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
