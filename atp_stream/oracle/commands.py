"""What stands in the item log, compared with the input that it was made from.

If each command says what its input says, a fold of the log and a count of the inputs are one and the same.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from atp_stream.oracle.inputs import Asked

_COMMANDS: Final = {
    "adjusted": "adjust", "counted": "count", "created": "reserve", "confirmed": "confirm", "released": "release",
    "fulfilled": "fulfil", "supply_scheduled": "schedule_supply", "supply_changed": "schedule_supply",
    "supply_cancelled": "cancel_supply", "supply_received": "receive_supply",
}  # fmt: skip
_TRUE: Final = {"allow_backorder", "firm"}  # what is true where nothing is said
_QUANTITY: Final = {"adjusted": "delta", "counted": "on_hand"}


def differences(question: Asked, value: bytes | None) -> Iterator[str]:
    """Yield in words what a command does not say as its input does."""
    try:
        said: dict[str, Any] = json.loads(value or b"")
    except ValueError:
        yield "no command"
        return
    for name, expected in wanted(question).items():
        found = said.get(name, name in _TRUE or None)
        if found != expected and (found or expected):
            yield f"{name} is {found!r}, but the input says {expected!r}"


def wanted(question: Asked) -> dict[str, Any]:
    """Return what the command of an input must say."""
    kind = "counted" if question.kind == "adjusted" and question.quantity is None else question.kind
    amount = question.absolute if kind == "counted" else question.quantity
    command = {"command": _COMMANDS[kind], "at": question.at_us, _QUANTITY.get(kind, "quantity"): amount}
    if isinstance(question.event_id, str):
        command["event_id"] = question.event_id
    if kind == "adjusted":
        command["absolute"] = question.absolute
    if kind.startswith("supply") or kind == "adjusted":
        command["supply"] = question.supply
    if kind in {"supply_scheduled", "supply_changed"}:
        command |= {
            "day": question.day, "kind": question.label, "firm": question.firm, "reference": question.reference,
        }  # fmt: skip
    if kind == "supply_received":
        command |= {"final": question.final, "moves_stock": question.moves}
    if kind not in {"counted", "supply_scheduled", "supply_changed", "supply_cancelled", "supply_received"}:
        command["reservation"] = question.reservation
    if kind not in {"confirmed", "released", "supply_cancelled"}:
        command["location"] = question.location
    if kind == "created":
        command |= {
            "channel": question.channel, "priority": question.priority, "allow_partial": question.allow_partial,
            "expires_at": question.expires_at_us, "reference": question.reference,
            "allow_backorder": question.allow_backorder, "wanted": question.day,
        }  # fmt: skip
    return command
