"""What operators say at random: who may claim what of an item, what is granted, and what is frozen."""

import json

import msgspec

from atp_stream.domain.commands import EditItem, Grant, Move, Revoke

CHANNELS = ["ECOM", "STORE", "B2B"]
UNITS = [100, 200, 500, 800, 1_300]
"""Hundredths."""


def rule(luck):
    """Return the rule of a channel: of any kind, quotas and shares above all."""
    said = {"buffer": luck.choice((0, 0, 1)), "floor": luck.choice((0, 0, 2))}
    said |= {"max_waiting": luck.choice((5, 20))} if luck.random() < 0.15 else {}
    match luck.choice(("QUOTA", "QUOTA", "QUOTA", "SHARE", "SHARE", "POOLED", "FROZEN")):
        case "QUOTA":
            own = {
                "overflow": luck.choice((True, False)),
                "rank": luck.choice((1, 1, 2)),
                "min": luck.choice((0, 0, 3)),
            }
            return {**said, "kind": "QUOTA", **own}
        case "SHARE":
            return {**said, "kind": "SHARE", "weight": luck.choice((0.25, 0.5, 0.8, 0.3333))}
        case kind:
            return {**said, "kind": kind}


def section(luck):
    """Return what a tenant's section says of who may claim what."""
    said = {"channels": {channel: rule(luck) for channel in CHANNELS}}
    said |= {"frozen": {luck.choice(CHANNELS): True}} if luck.random() < 0.2 else {}
    said |= {"time_limit": luck.choice((3_600, 3 * 86_400))} if luck.random() < 0.4 else {}
    return said | ({"max_waiting_each": 8} if luck.random() < 0.1 else {})


def command(luck, now):
    """Return what an operator wants of one item."""
    said = {"event_id": f"operator-{luck.randrange(200)}", "at_us": now}
    channel = luck.choice(CHANNELS)
    match luck.choice(("grant", "grant", "grant", "percent", "revoke", "move", "frozen", "rule", "safety")):
        case "grant":
            return Grant(**said, channel=channel, quantity=luck.choice(UNITS))
        case "percent":
            return Grant(**said, channel=channel, percent=luck.choice((1_000, 5_000, 10_000)))
        case "revoke":
            return Revoke(**said, channel=channel, quantity=luck.choice((None, *UNITS)))
        case "move":
            return Move(**said, channel=channel, to=luck.choice(CHANNELS), quantity=luck.choice(UNITS))
        case "frozen":
            patch = {"frozen": {channel: luck.choice((True, False, None))}}
        case "rule":
            patch = {"channels": {channel: None}}  # what kinds have in common is not patched from one into another
            patch = {"channels": {channel: rule(luck)}} if luck.random() < 0.5 else patch
        case _:
            patch = {"safety_stock": {"fixed": luck.choice((0, 2, 5))}}
    return EditItem(**said, patch=msgspec.Raw(json.dumps(patch).encode()))
