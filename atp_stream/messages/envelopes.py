"""JSON that is not as our forms are: taken out of what tools wrap around an event, and spelt as the forms spell it.

Known wrappers: CloudEvents (`specversion`, `data`), Debezium's changes (`op`, `after`), Kafka Connect's `{schema,
payload}`, and JSON within a JSON string. This is the slow way: only what cannot be read as it is comes here.
"""

import re
from typing import Final, TypeAlias

import msgspec

from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason
from atp_stream.messages import debezium
from atp_stream.messages.event_types import foreign, is_another
from atp_stream.messages.input_events import IDS, InputKind, Skipped
from atp_stream.messages.limits import MAX_ID_BYTES, MAX_WRAPPING_DEPTH

Fields: TypeAlias = dict[str, msgspec.Raw]

_DECODER: Final = msgspec.json.Decoder(Fields)
_TEXT: Final = msgspec.json.Decoder(str)
_ANY: Final = msgspec.json.Decoder()
_NOT_JSON: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
_WHOLE: Final = re.compile(rb"-?\d{1,%d}" % MAX_ID_BYTES)
_CONNECT: Final = {"schema", "payload"}
_NOTHING: Final = (b"null", b'""')
PRODUCT: Final = ("product_id", "productId")
_ITEM: Final = ("itemId", "item_id")
_SPELT: Final = {"eventId": ("eventId", "event_id"), "timestamp": ("timestamp",)}


def opened(kind: InputKind, value: bytes) -> bytes | Skipped:
    """Return the event as one of our forms would have it, in JSON.

    Raises:
        Refused: `undecodable`: there is no object.
    """
    fields, outer = fields_of(value), Fields()
    for _ in range(MAX_WRAPPING_DEPTH):
        inner = _inside(kind, fields, outer)
        if isinstance(inner, Skipped):
            return inner
        if inner is None:
            break
        fields = inner
    body = fields
    if (payload := _object(fields.get("payload"))) is not None:
        body = payload
    for name, said in outer.items():
        if not any(_says(part, spelt) for part in (fields, body) for spelt in _SPELT[name]):
            fields[name] = said
    if not any(_says(body, name) for name in _ITEM):
        body["itemId"] = next((body[name] for name in PRODUCT if _says(body, name)), _raw(None))
    _spell_ids(fields)
    if body is not fields:
        _spell_ids(body)
        fields["payload"] = _raw(body)
    return msgspec.json.encode(fields)


def fields_of(value: bytes) -> Fields:
    """Return the fields of a JSON object, or of one that stands in a JSON string.

    Raises:
        Refused: `undecodable`.
    """
    try:
        return _DECODER.decode(_TEXT.decode(value) if value.lstrip()[:1] == b'"' else value)
    except msgspec.ValidationError as error:
        raise Refused(Reason.UNDECODABLE, f"no JSON object: {error}") from error
    except _NOT_JSON as error:
        raise Refused(Reason.UNDECODABLE, f"not JSON: {error}") from error


def _object(raw: msgspec.Raw | None) -> Fields | None:
    text = b"" if raw is None else bytes(raw)
    if text[:1] == b'"' and b"{" not in text:
        return None
    return fields_of(text) if text[:1] in {b"{", b'"'} else None


def _inside(kind: InputKind, fields: Fields, outer: Fields) -> Fields | Skipped | None:
    """Return what a wrapper holds, None if there is no wrapper; what it says of the event is noted in `outer`."""
    if "specversion" in fields and "data" in fields:
        return _of_cloud_event(kind, fields, outer)
    if debezium.is_change(fields):
        after = _object(fields["after"])
        if after is None:
            return Skipped.DELETED
        instant = debezium.instant({"source": _plain(fields.get("source"))})
        if instant is not None:
            outer["timestamp"] = _raw(instant)
        return after
    if fields.keys() == _CONNECT:
        return Skipped.NULL if bytes(fields["payload"]) == b"null" else _object(fields["payload"])
    return None


def _of_cloud_event(kind: InputKind, fields: Fields, outer: Fields) -> Fields | Skipped | None:
    about = {name: _plain(fields.get(name)) for name in ("type", "source", "id")}
    if isinstance(about["type"], str) and is_another(kind, about["type"]):
        return foreign(about["type"])
    if about["id"]:
        outer["eventId"] = msgspec.Raw(
            msgspec.json.encode(cloud_event_id(str(about["source"] or ""), str(about["id"])))
        )
    if _says(fields, "time"):
        outer["timestamp"] = fields["time"]
    return _object(fields["data"])


def cloud_event_id(source: str, event_id: str) -> str:
    """Return the name of a CloudEvent: its id is its own only among those of its source."""
    return f"{source}#{event_id}" if source else event_id


def _raw(plain: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(plain))


def _plain(raw: msgspec.Raw | None) -> object:
    try:
        return None if raw is None else _ANY.decode(raw)
    except _NOT_JSON:
        return None


def _says(fields: Fields, name: str) -> bool:
    return name in fields and bytes(fields[name]) not in _NOTHING


def _spell_ids(fields: Fields) -> None:
    """Let a whole number in the place of an id be its digits."""
    for name in IDS & fields.keys():
        if _WHOLE.fullmatch(fields[name]):
            fields[name] = msgspec.Raw(b'"%b"' % bytes(fields[name]))
