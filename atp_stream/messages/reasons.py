"""Why a message is refused before it reaches the item log, in words that stay the same from release to release."""

from enum import StrEnum


class Reason(StrEnum):
    """A stable reason of intake. Amounts are refused by `atp_stream.domain.quantity`, in its own `quantity_…` words."""

    UNDECODABLE = "undecodable"  # neither JSON nor framed Avro, cut short, or something behind the end
    WRONG_TYPE = "wrong_type"  # a field has a type that cannot mean what the field means
    UNKNOWN_SCHEMA = "unknown_schema"  # the registry definitely has no schema of this id
    BAD_SCHEMA = "bad_schema"  # of this id: no Avro record, or one without bounds
    MISSING_TENANT = "missing_tenant"  # names none, and no default is set
    MISSING_ITEM = "missing_item"
    MISSING_RESERVATION = "missing_reservation"
    MISSING_QUANTITY = "missing_quantity"
    NOT_POSITIVE = "not_positive"  # a quantity of zero or less where units are claimed, given back or shipped
    UNKNOWN_ACTION = "unknown_action"  # an order to the policy that is none of ours, or says nothing
    MISSING_CHANNEL = "missing_channel"
    MISSING_POLICY = "missing_policy"  # a SET of nothing
    POLICY_INVALID = "policy_invalid"  # no JSON, not of the policy's form, or a contradiction in itself
    BAD_PERCENT = "bad_percent"  # not above 0 and at most 100, or beside a quantity
    BAD_PRIORITY = "bad_priority"  # beyond 32 bits
    BAD_TIMESTAMP = "bad_timestamp"  # no instant between 1970 and 9999, or a number too small for milliseconds
    ID_TOO_LONG = "id_too_long"  # over 255 bytes of UTF-8
    CONTROL_CHARACTER = "control_character"  # in an id
    TOMBSTONE = "tombstone"  # the stock of a place or an item was deleted
    TOO_LARGE = "too_large"  # the message as a whole
    BROKEN = "broken"  # a fault of ours showed
