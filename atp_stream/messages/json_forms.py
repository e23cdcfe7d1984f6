"""JSON bytes to forms: one typed decode, numbers exact."""

import re
from typing import Any

import msgspec

from atp_stream.domain.errors import Refused
from atp_stream.messages.forms import FORMS, Form, InputKind, is_ours
from atp_stream.messages.reasons import Reason


class _Type(msgspec.Struct):
    eventType: Any = None  # noqa: N815 - the wire's own name
    event_type: Any = None


_DECODERS = {kind: msgspec.json.Decoder(form) for kind, form in FORMS.items()}
_TYPE_DECODER = msgspec.json.Decoder(_Type)
_STAMPS = {"timestamp", "expiresAt", "expires_at"}
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(kind: InputKind, value: bytes) -> Form | None:
    """Return the form that the bytes hold, or None for an event of another type.

    Raises:
        Refused: `undecodable`, or a field has the wrong type.
    """
    try:
        form = _DECODERS[kind].decode(value)
    except msgspec.ValidationError as error:
        if _is_foreign(kind, value):
            return None
        raise _wrong_type(error) from error
    except _NOT_JSON as error:
        raise Refused(Reason.UNDECODABLE, f"not JSON: {error}") from error
    event_type = form.eventType or form.event_type
    if event_type and not is_ours(kind, event_type):
        return None
    return form


def _is_foreign(kind: InputKind, value: bytes) -> bool:
    # Another event may use our names for other things: what it is comes before what is wrong with it.
    try:
        found = _TYPE_DECODER.decode(value)
    except _NOT_JSON:
        return False
    event_type = found.eventType or found.event_type
    return isinstance(event_type, str) and event_type != "" and not is_ours(kind, event_type)


def _wrong_type(error: msgspec.ValidationError) -> Refused:
    path = re.search(r"at `\$(?:\.payload)*\.(\w+)`$", str(error))
    name = path[1] if path else ""
    if name in _STAMPS:
        return Refused(Reason.BAD_TIMESTAMP, str(error))
    return Refused(Reason.WRONG_TYPE if name else Reason.UNDECODABLE, str(error))
