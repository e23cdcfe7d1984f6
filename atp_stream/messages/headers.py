"""What the headers of a record say of its event: CloudEvents in binary form (`ce_id`), and the outbox's `id`.

A message's own fields come first: they are what stays the same when an event is published again.
"""

from collections.abc import Iterable
from typing import Final

from atp_stream.messages.envelopes import cloud_event_id
from atp_stream.messages.event_types import foreign, is_another
from atp_stream.messages.input_events import Form, InputKind, Skipped

_ID, _SOURCE, _TIME, _TYPE, _OUTBOX = "ce_id", "ce_source", "ce_time", "ce_type", "id"
_READ: Final = frozenset({_ID, _SOURCE, _TIME, _TYPE, _OUTBOX})


def complete(kind: InputKind, form: Form, headers: Iterable[tuple[str, bytes | None]]) -> Form | Skipped:
    """Return the form with the event id and the time that only the headers say."""
    said = {name: _text(value) for name, value in headers if name in _READ and value}
    if not said:
        return form
    body = form if form.payload is None else form.payload
    typed = form.eventType or form.event_type
    if _TYPE in said and not typed and is_another(kind, said[_TYPE]):
        return foreign(said[_TYPE])
    if not any((form.eventId, form.event_id, body.eventId, body.event_id)):
        form.eventId = cloud_event_id(said.get(_SOURCE, ""), said[_ID]) if _ID in said else said.get(_OUTBOX)
    if _TIME in said and form.timestamp in {None, ""} and body.timestamp in {None, ""}:
        form.timestamp = said[_TIME]
    return form


def _text(value: bytes) -> str:
    """Return a header's text; bytes that are none, such as those of a UUID, are spelt in hexadecimal digits."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()
