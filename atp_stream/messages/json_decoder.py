"""JSON bytes to forms: one typed decode, numbers exact."""

import re
from typing import Any, Final

import msgspec

from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason
from atp_stream.messages import envelopes
from atp_stream.messages.event_types import foreign, is_ours
from atp_stream.messages.input_events import FORMS, AdjustedForm, Form, InputKind, PolicyForm, Skipped


class _Type(msgspec.Struct):
    eventType: Any = None  # noqa: N815 - the wire's own name
    event_type: Any = None


_DECODERS: Final = {kind: msgspec.json.Decoder(form) for kind, form in FORMS.items()}
_TYPE_DECODER: Final = msgspec.json.Decoder(_Type)
_STAMPS: Final = {"timestamp", "expiresAt", "expires_at"}
_NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_WORDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number with a fraction",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
}
_BOM: Final = b"\xef\xbb\xbf"


def decode(kind: InputKind, value: bytes) -> Form | Skipped:
    """Return the form that the bytes hold.

    Raises:
        Refused: `undecodable`, or a field has the wrong type.
    """
    try:
        form = _DECODERS[kind].decode(value)
    except msgspec.ValidationError:  # perhaps an id that is a number, or another event
        return _foreign(kind, value) or _decode_wrapped(kind, value)
    except _NOT_JSON as error:
        if value.startswith(_BOM):
            return decode(kind, value[len(_BOM) :])
        raise Refused(Reason.UNDECODABLE, f"not JSON: {error}") from error
    event_type = form.eventType or form.event_type
    if event_type and not is_ours(kind, event_type):
        return foreign(event_type)
    body = form if form.payload is None else form.payload
    # The first two conditions are for speed: most events name their item in the first place that is looked at.
    if body.itemId is None and not (type(body) is AdjustedForm and body.product_id) and _says_nothing(body):
        return _decode_wrapped(kind, value)
    return form


def _says_nothing(body: Form) -> bool:
    """Return whether a form has none of what it must have: then its fields are somewhere else."""
    if isinstance(body, PolicyForm):
        return not body.action
    if isinstance(body, AdjustedForm):
        return not (body.product_id or body.productId or body.item_id)
    return not body.item_id


def _decode_wrapped(kind: InputKind, value: bytes) -> Form | Skipped:
    """Return the form that bytes hold which are not as a form is: wrapped, or with numbers for ids.

    Raises:
        Refused: `undecodable`, or a field has the wrong type.
    """
    event = envelopes.opened(kind, value)
    if isinstance(event, Skipped):
        return event
    try:
        form = _DECODERS[kind].decode(event)
    except msgspec.ValidationError as error:
        raise _wrong_type(error) from error
    except _NOT_JSON as error:
        raise Refused(Reason.UNDECODABLE, f"not JSON: {error}") from error
    event_type = form.eventType or form.event_type
    return foreign(event_type) if event_type and not is_ours(kind, event_type) else form


def _foreign(kind: InputKind, value: bytes) -> Skipped | None:
    # Another event may use our names for other things: what it is comes before what is wrong with it.
    try:
        found = _TYPE_DECODER.decode(value)
    except _NOT_JSON:
        return None
    event_type = found.eventType or found.event_type
    if isinstance(event_type, str) and event_type and not is_ours(kind, event_type):
        return foreign(event_type)
    return None


def _wrong_type(error: msgspec.ValidationError) -> Refused:
    path = re.search(r"at `\$(?:\.payload)*\.(\w+)`$", str(error))
    if path is None:
        return Refused(Reason.UNDECODABLE, str(error))
    return Refused(Reason.BAD_TIMESTAMP if path[1] in _STAMPS else Reason.WRONG_TYPE, _in_words(error))


def _in_words(error: msgspec.ValidationError) -> str:
    """Return which type a field has, and which it may have; the decoder's own words where they say something else."""
    said = re.fullmatch(r"Expected `(.+)`, got `(\w+)` - at `\$\.([\w.]+)`", str(error))
    if said is None or said[2] not in _WORDS:
        return str(error)
    wanted = said[1].removesuffix(" | null").replace("int | float", "a number").split(" | ")
    return f"{said[3]} is {_WORDS[said[2]]}: {' or '.join(_WORDS.get(word, word) for word in wanted)} is expected"
