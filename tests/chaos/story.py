"""A small history, written out by hand: one item, two reservations, a release, a fulfilment, a dead letter."""

import json

from atp_stream.oracle import History, Names, Record

NAMES = Names(
    adjusted="adjusted",
    counted="counted",
    created="created",
    confirmed="confirmed",
    released="released",
    fulfilled="fulfilled",
    item_log="log",
    availability_calculated="availability",
    allocation_committed="committed",
    allocation_released="given-back",
    reservation_denied="denied",
    dead_letter="dead",
)
START = 1_700_000_000_000  # milliseconds
EVENT_TYPES = {
    "availability": "AvailabilityCalculatedEvent",
    "committed": "AllocationCommittedEvent",
    "given-back": "AllocationReleasedEvent",
    "denied": "ReservationDeniedEvent",
}


def asked(topic, offset, **said):
    event = {"tenantId": "acme", "itemId": "widget", "eventId": f"{topic}-{offset}", **said}
    return Record(topic, 0, offset, START, None, json.dumps(event).encode())


def logged(offset, source, **command):
    headers = (("atp-genesis", b"g"), ("atp-source", source.encode()))
    value = json.dumps(command or COMMANDS[source]).encode()
    return Record("log", 0, offset, START + offset, b"acme|widget", value, headers)


def command(name, event_id, at, **said):
    return {"command": name, "event_id": event_id, "at": (START + at) * 1000, **said}


COMMANDS = {
    "counted/0/0": command("count", "counted-0", 1, on_hand=1000),
    "created/0/0": command("reserve", "created-0", 2, reservation="r1", channel="ECOM", quantity=600),
    "created/0/1": command("reserve", "created-1", 3, reservation="r2", channel="ECOM", quantity=600),
    "released/0/0": command("release", "released-0", 4, reservation="r1", quantity=200),
    "fulfilled/0/0": command("fulfil", "fulfilled-0", 5, reservation="r1", quantity=400),
    "counted/0/1": command("count", "counted-0", 1, on_hand=1000),
    "counted/0/2": command("count", "counted-2", 6, on_hand=500),
}


def published(topic, offset, cause, version, **payload):
    event = {
        "eventType": EVENT_TYPES[topic],
        "eventId": f"{topic}-{offset}",
        "timestamp": START + cause,
        "tenantId": "acme",
        "payload": {"itemId": "widget", **payload},
    }
    headers = (("atp-version", str(version).encode()), ("atp-cause", f"0-{cause}".encode()), ("atp-genesis", b"g"))
    key = f"acme|widget|{payload['channel']}" if topic == "availability" else "acme|widget"
    return Record(topic, 0, offset, START + cause, key.encode(), json.dumps(event).encode(), headers)


def rows(offset, cause, version, available, **reserved):
    """Tell the row of each named channel; all of them show the same."""
    return [
        published("availability", offset + n, cause, version, channel=channel, available=available, reserved=units)
        for n, (channel, units) in enumerate(reserved.items())
    ]


INPUTS = [
    asked("counted", 0, onHand=10, timestamp=START + 1),
    asked("created", 0, reservationId="r1", channel="ECOM", quantity=6, timestamp=START + 2),
    asked("created", 1, reservationId="r2", channel="ECOM", quantity=6, timestamp=START + 3),
    asked("released", 0, reservationId="r1", quantity=2, timestamp=START + 4),
    asked("fulfilled", 0, reservationId="r1", quantity=4, timestamp=START + 5),
    asked("counted", 1, onHand=10, timestamp=START + 1, eventId="counted-0"),  # a duplicate
    asked("counted", 2, onHand=5, timestamp=START + 6),  # less than the 6 that are promised
    asked("adjusted", 0, adjusted_quantity=0.001),  # too fine
    Record("created", 0, 2, START, None, None),  # a tombstone
]
LOG = [
    Record("log", 0, 0, START, b"|", b"{}", (("atp-control", b"genesis"), ("atp-genesis", b"g"))),
    Record("log", 0, 1, START, b"|", b"{}", (("atp-genesis", b"g"),)),
    logged(2, "counted/0/0"),
    logged(3, "created/0/0"),
    logged(4, "created/0/1"),
    logged(5, "released/0/0"),
    logged(6, "fulfilled/0/0"),
    logged(7, "counted/0/1"),
    logged(8, "counted/0/2"),
]
LETTERS = [
    Record("dead", 0, 0, START, None, INPUTS[7].value, (("atp-reason", b"too_fine"), ("atp-origin", b"adjusted/0/0")))
]
OUTPUTS = [
    *rows(0, 2, 1, 10, ECOM=0, STORE=0, B2B=0, MARKETPLACE=0),
    published("committed", 0, 3, 2, allocationId="a1", channel="ECOM", quantity=6),
    *rows(4, 3, 2, 4, ECOM=6, STORE=0, B2B=0, MARKETPLACE=0),
    published(
        "denied", 0, 4, 3, reservationId="r2", channel="ECOM", quantity=6, outcome="BACKORDERED", reason="rest_waits"
    ),
    *rows(8, 4, 3, 0, ECOM=6),
    published(
        "given-back", 0, 5, 4, allocationId="a1", reservationId="r1", channel="ECOM", quantity=2, reason="CANCELLED"
    ),
    published("committed", 1, 5, 4, allocationId="a2", channel="ECOM", quantity=6),
    *rows(9, 5, 4, 0, ECOM=10, STORE=0, B2B=0, MARKETPLACE=0),
    *rows(13, 6, 5, 0, ECOM=6),
]
RECORDS = [*INPUTS, *LOG, *LETTERS, *OUTPUTS]


def history(records=RECORDS):
    return History(names=NAMES, records=records)
