"""What every peer computes: on hand, and reserved by channel, which is far less than the ledger does.

A reservation for more than there is is dropped. There are no duplicates, no late facts, no queue, no policy.
"""
# ruff: noqa: N815 - the wire's own names

import msgspec

_encode = msgspec.json.Encoder().encode


class Event(msgspec.Struct):
    kind: str
    itemId: str
    quantity: int
    onHand: int
    reservationId: str
    channel: str


class Shelf(msgspec.Struct):
    on_hand: int = 0
    reserved: dict[str, int] = {}

    def take(self, event: Event) -> tuple[bool, bool]:
        """Apply an event; return whether units were committed, and whether anything changed."""
        units, channel = event.quantity, event.channel
        mine = self.reserved.get(channel, 0)
        if event.kind == "adjusted":
            self.on_hand = event.onHand
            return False, True
        if event.kind == "created":
            if units > self.on_hand - sum(self.reserved.values()):
                return False, False
            self.reserved[channel] = mine + units
            return True, True
        back = min(units, mine)
        self.reserved[channel] = mine - back
        if event.kind == "fulfilled":
            self.on_hand -= back
        return False, back > 0


def allocation(event: Event) -> bytes:
    return _encode(
        {
            "allocationId": f"alloc-{event.reservationId}",
            "itemId": event.itemId,
            "channel": event.channel,
            "quantity": event.quantity,
        }
    )


def availability(event: Event, shelf: Shelf) -> bytes:
    reserved = sum(shelf.reserved.values())
    return _encode(
        {
            "itemId": event.itemId,
            "channel": event.channel,
            "available": shelf.on_hand - reserved,
            "reserved": shelf.reserved.get(event.channel, 0),
        }
    )
