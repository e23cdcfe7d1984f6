"""Why a message is refused, and why units are not committed: words that stay the same from release to release.

Each has its meaning for operators beside it. Source: docs/rules/identity.md#dead-letters.
"""

from enum import StrEnum
from typing import Self


class _Explained(StrEnum):
    """A stable word, and what it means."""

    meaning: str

    def __new__(cls, word: str, meaning: str) -> Self:
        """Make a member; its value is the word."""
        member = str.__new__(cls, word)
        member._value_, member.meaning = word, meaning
        return member


class Reason(_Explained):
    """A reason of dead letters."""

    # intake
    UNDECODABLE = "undecodable", "Neither JSON nor framed Avro, cut short, or followed by more bytes"
    WRONG_TYPE = "wrong_type", "A field has a type that cannot mean what the field means"
    UNKNOWN_SCHEMA = "unknown_schema", "The registry has no schema of this id"
    BAD_SCHEMA = (
        "bad_schema",
        (
            "The registry's schema of this id is neither a record in Avro with fields of ours nor JSON Schema, or"
            " has no bounds: it holds itself, is too deep or too large, or has arrays of nothing"
        ),
    )
    MISSING_TENANT = "missing_tenant", "No tenant is named, and `ATP_DEFAULT_TENANT` is not set"
    MISSING_ITEM = "missing_item", "No item id"
    MISSING_RESERVATION = "missing_reservation", "No reservation id"
    MISSING_SUPPLY = "missing_supply", "No supply id"
    MISSING_DATE = "missing_date", "No day on which a supply is expected"
    MISSING_QUANTITY = "missing_quantity", "No quantity where one is needed"
    NOT_POSITIVE = "not_positive", "A quantity of zero or less where units are claimed, given back or shipped"
    QUANTITY_NOT_A_NUMBER = "quantity_not_a_number", "A quantity that is not a number"
    QUANTITY_NOT_FINITE = "quantity_not_finite", "NaN or an infinity"
    QUANTITY_TOO_FINE = (
        "quantity_too_fine",
        "More than two decimals by value (the rest that sums of floats leave, up to 1e-9, does not count)",
    )
    QUANTITY_TOO_LARGE = "quantity_too_large", "More than 12 digits before the point"
    UNKNOWN_ACTION = (
        "unknown_action",
        "A policy change whose action is not SET, GRANT, REVOKE, MOVE, FREEZE or UNFREEZE",
    )
    MISSING_CHANNEL = "missing_channel", "A policy change that needs a channel and names none"
    MISSING_POLICY = "missing_policy", "A SET without a policy"
    POLICY_INVALID = (
        "policy_invalid",
        "A policy, or a change of one, that is not valid JSON or contradicts itself; nothing changes",
    )
    BAD_PERCENT = (
        "bad_percent",
        "A percentage that is not above 0 and at most 100, or is given together with a quantity",
    )
    BAD_PRIORITY = "bad_priority", "A priority that does not fit into 32 bits"
    BAD_TIMESTAMP = (
        "bad_timestamp",
        "Not between 1970 and 9999, or a number in another unit than its field has",
    )
    ID_TOO_LONG = "id_too_long", "An id of more than 255 bytes of UTF-8"
    CONTROL_CHARACTER = "control_character", "A control character in an id"
    TOMBSTONE = (
        "tombstone",
        (
            "A null value with a key, or a deleted row, on a topic of stock: the stock would go on counting; send"
            " a count of 0"
        ),
    )
    TOO_LARGE = "too_large", "A message of more than 64 KiB"

    # the ledger
    FUTURE = "future", "Stamped further ahead of log time than policy allows (5 minutes)"
    STALE = (
        "stale",
        (
            "A stock event that came more than a window after one of its location with the same or a later"
            " timestamp: it may have been counted"
        ),
    )
    RESERVATION_CONFLICT = "reservation_conflict", "A known reservation of the item, with another channel"
    UNKNOWN_CHANNEL = "unknown_channel", "A channel that the policy does not name, where it refuses such channels"
    TOO_MANY_CHANNELS = "too_many_channels", "More unnamed channels than the policy lets an item have"
    TOO_MANY_PARTS = "too_many_parts", "A reservation that would be in more than 256 parts"
    TOO_OLD = (
        "too_old",
        (
            "A create or fulfilment stamped no later than a reservation of the item that was purged after `retention`,"
            " or a statement no later than a supply that was"
        ),
    )
    TOO_FAR = "too_far", "A day is wanted that lies beyond the policy's `supply.horizon`"
    TOO_MANY_SUPPLIES = "too_many_supplies", "More than 1,000 open supplies of an item"
    TWO_MOVEMENTS = "two_movements", "An adjustment that names both a reservation and a supply"
    TOO_MANY_MOVEMENTS = (
        "too_many_movements",
        "More than 512 releases and fulfilments of one reservation, or 256 receipts of one supply",
    )
    BAD_GRANT = "bad_grant", "A grant that states both a quantity and a percentage, or neither"
    NOT_A_QUOTA = "not_a_quota", "A grant, revoke or move for a channel that is not a QUOTA"
    NOT_ENOUGH_GRANTED = "not_enough_granted", "A move of more units than the channel was granted and has not consumed"
    BROKEN = "broken", "An internal error on this message; replay it with a version that has fixed it"
    UNREADABLE_COMMAND = (
        "unreadable_command",
        "A record of the item log that is not a command: something else writes there",
    )


class DenialReason(_Explained):
    """Why units were not committed."""

    REST_WAITS = "rest_waits", "There is not enough; the rest, or all of it, waits for stock"
    REST_PROMISED = "rest_promised", "There is not enough; the rest, or all of it, is promised for a later day"
    REST_DROPPED = (
        "rest_dropped",
        "There is not enough, and no backorder is allowed; the rest, or all of it, is dropped",
    )
    TOO_MUCH_WAITS = (
        "too_much_waits",
        "There is not enough, and more would wait than `max_waiting` or `max_waiting_each` allows",
    )
    ALREADY_ENDED = (
        "already_ended",
        "A newer create of a reservation that was fulfilled, released or rejected: ended is final",
    )
    EXPIRED = (
        "expired",
        "A newer create of a reservation that has expired; a confirmation made in time reopens it, with this quantity",
    )
