"""What a message is about, and what of it nobody reads, as far as it is JSON: for people.

Nothing is decided by it: what could not be read as an event may still name its item. This is the slow way.
"""

from difflib import get_close_matches
from typing import Any, Final, NamedTuple

import msgspec

from atp_stream.domain.errors import Refused
from atp_stream.messages import envelopes
from atp_stream.messages.avro_decoder import FRAME
from atp_stream.messages.input_events import FORMS, InputKind, Skipped


class About(NamedTuple):
    """The item and the reservation that a message names; None where it names none."""

    item: str | None
    reservation: str | None


_FIELDS: Final = {kind: frozenset(form.__struct_fields__) for kind, form in FORMS.items()}
_OF_NO_EFFECT: Final = {"adjustment_reason", "adjusted_by", *envelopes.PRODUCT}
"""Fields of the contract that change nothing, and names that are read as the item's before a form is made."""

_MIN_SIMILARITY: Final = 0.8  # `quantity` and `adjusted_quantity` are no misspellings of each other
_ANY: Final = msgspec.json.Decoder()
_BOM: Final = b"\xef\xbb\xbf"


def about(kind: InputKind, value: bytes) -> About:
    """Return what a message of this kind is about; whatever is no JSON, as Avro, says nothing here."""
    body = _levels(kind, value)[-1]
    return About(_text(body, "itemId", "item_id"), _text(body, "reservationId", "reservation_id"))


def unread(kind: InputKind, value: bytes) -> list[str]:
    """Return the names of the fields of a message that an event of this kind does not have, and so nobody reads."""
    return sorted({name for level in _levels(kind, value) for name in level} - _FIELDS[kind] - _OF_NO_EFFECT)


def resembled(kind: InputKind, name: str) -> str:
    """Return the field that may have been meant with another name, "" if none is near."""
    return next(iter(get_close_matches(name, _FIELDS[kind], n=1, cutoff=_MIN_SIMILARITY)), "")


def _levels(kind: InputKind, value: bytes) -> list[dict[str, Any]]:
    """Return the fields of the event that a message holds, and those of its payload if it has one."""
    text = value[FRAME:] if value[:1] == b"\0" else value.removeprefix(_BOM)
    try:
        event = envelopes.opened(kind, text)
        fields: dict[str, Any] = {} if isinstance(event, Skipped) else _ANY.decode(event)
    except (Refused, msgspec.DecodeError, UnicodeError, RecursionError):
        return [{}]
    payload = fields.get("payload")
    return [fields, payload] if isinstance(payload, dict) else [fields]


def _text(body: dict[str, Any], *names: str) -> str | None:
    found = (body.get(name) for name in names)
    return next((said for said in found if isinstance(said, str) and said), None)
