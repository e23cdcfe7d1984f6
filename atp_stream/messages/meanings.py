"""What the reasons of dead letters and of denials mean, for operators; a test holds the names against the code."""

from typing import Final

REASONS: Final = {
    # intake
    "undecodable": "Neither JSON nor framed Avro; cut short, or something behind the end",
    "wrong_type": "A field has a type that cannot mean what the field means",
    "unknown_schema": "The registry has no schema of this id",
    "bad_schema": "The registry's schema of this id is neither a record in Avro with fields of ours nor JSON Schema, or"
    " has no bounds: it holds itself, is too deep or too large, or has arrays of nothing",
    "missing_tenant": "No tenant is named, and `ATP_DEFAULT_TENANT` is not set",
    "missing_item": "No item id",
    "missing_reservation": "No reservation id",
    "missing_quantity": "No quantity where one is needed",
    "not_positive": "A quantity of zero or less where units are claimed, given back or shipped",
    "quantity_not_a_number": "A quantity that is no number",
    "quantity_not_finite": "NaN or an infinity",
    "quantity_too_fine": "More than two decimals by value (what sums of floats leave, up to 1e-9, is none)",
    "quantity_too_large": "More than 12 digits before the point",
    "unknown_action": "An order to the policy whose action is none of SET, GRANT, REVOKE, MOVE, FREEZE, UNFREEZE",
    "missing_channel": "An order to the policy that needs a channel and names none",
    "missing_policy": "A SET without a policy",
    "policy_invalid": "A policy, or a change of one, that is no JSON, or contradicts itself; nothing changes",
    "bad_percent": "A percentage that is not above 0 and at most 100, or stands beside a quantity",
    "bad_priority": "A priority beyond 32 bits",
    "bad_timestamp": "No instant between 1970 and 9999, or a number that is not in the unit it should be in",
    "id_too_long": "An id of more than 255 bytes of UTF-8",
    "control_character": "A control character in an id",
    "tombstone": "A null value with a key, or a deleted row, where stock is told: it would go on counting here; send a"
    " count of 0",
    "too_large": "A message of more than 64 KiB",
    # the ledger
    "future": "Stamped further ahead of log time than policy allows (5 minutes)",
    "stale": "A stock event behind which one of its location came more than a window ago: it may have been counted",
    "reservation_conflict": "A known reservation of the item, with another channel",
    "unknown_channel": "A channel that policy does not name, where policy refuses those",
    "too_many_channels": "One more channel without a name than policy lets an item have",
    "too_many_parts": "A reservation that would be in more than 256 parts",
    "too_old": "A create or fulfilment stamped no later than a reservation of the item that is forgotten by now",
    "too_many_movements": "More than 512 releases and fulfilments of one reservation",
    "bad_grant": "A grant that states both a quantity and a percentage, or neither",
    "not_a_quota": "A grant, a revocation or a move for a channel whose rule is no QUOTA",
    "not_enough_granted": "A move of more than a channel was granted and has not consumed",
    "broken": "A fault of ours showed on this message; replay it with the version that has it mended",
    "unreadable_command": "A record of the item log that is no command: something else writes there",
}

DENIALS: Final = {
    "rest_waits": "There is not enough; the rest (or all of it) waits for stock",
    "rest_dropped": "There is not enough, and no backorder is allowed; the rest (or all of it) is dropped",
    "too_much_waits": "There is not enough, and more would wait than `max_waiting` or `max_waiting_each` allows",
    "already_ended": "A newer create of a reservation that was fulfilled, released or rejected: ended is final",
    "expired": "A newer create of what has expired; a confirmation made in time reopens it, with this quantity",
}
