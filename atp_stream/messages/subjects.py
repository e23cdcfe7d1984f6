"""What a message is about, as far as it says so in JSON: for people who look at what was refused.

Nothing is decided by it: what could not be read as an event may still name its item.
"""

from typing import Any, Final, NamedTuple

import msgspec

from atp_stream.domain.errors import Refused
from atp_stream.messages import wrapped
from atp_stream.messages.avro_forms import FRAME
from atp_stream.messages.forms import InputKind, Skipped


class About(NamedTuple):
    """The item and the reservation that a message names; None where it names none."""

    item: str | None
    reservation: str | None


_NOTHING: Final = About(None, None)
_ANY: Final = msgspec.json.Decoder()
_BOM: Final = b"\xef\xbb\xbf"


def about(kind: InputKind, value: bytes) -> About:
    """Return what a message of this kind is about; whatever is no JSON, as Avro, says nothing here."""
    text = value[FRAME:] if value[:1] == b"\0" else value.removeprefix(_BOM)
    try:
        event = wrapped.opened(kind, text)
        fields: dict[str, Any] = {} if isinstance(event, Skipped) else _ANY.decode(event)
    except (Refused, msgspec.DecodeError, UnicodeError, RecursionError):
        return _NOTHING
    payload = fields.get("payload")
    body = payload if isinstance(payload, dict) else fields
    return About(_text(body, "itemId", "item_id"), _text(body, "reservationId", "reservation_id"))


def _text(body: dict[str, Any], *names: str) -> str | None:
    found = (body.get(name) for name in names)
    return next((said for said in found if isinstance(said, str) and said), None)
