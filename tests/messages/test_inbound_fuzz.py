"""Whatever the bytes, intake answers with a command, a skip, or a refusal; it never breaks and never guesses."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.commands import AnyCommand, EditPolicy, SetPolicy
from atp_stream.domain.errors import Refused
from atp_stream.domain.quantity import MAX_HUNDREDTHS
from atp_stream.domain.reasons import Reason
from atp_stream.messages import avro_decoder, avro_fast_path, schema_files, subjects
from atp_stream.messages.errors import SchemaUnknown
from atp_stream.messages.inbound import Inbound, InputKind, Skipped, Translated
from tests.messages.wire import CAMEL, EVENTS, Known, Record, avro

REASONS = {
    *Reason,
    *("quantity_not_a_number", "quantity_not_finite", "quantity_too_large", "quantity_too_fine"),
}
INBOUND = Inbound(Known(), "acme")
KINDS = st.sampled_from(InputKind)
NAMES = sorted({"eventType", "eventId", "timestamp", "tenantId", "payload", *(n for c in CAMEL.values() for n in c)})
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from([*EVENTS.values(), "NaN", "1e5", "2024-05-01T12:00:00Z", "\ud800", 10**20, 10**400]),
)
JSON = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner),
    max_leaves=12,
)


def attempt(kind: InputKind, value: bytes) -> Translated | Skipped | Refused | SchemaUnknown:
    """Return the answer, whether it is given or raised."""
    try:
        return INBOUND.translate(kind, Record(value))
    except (Refused, SchemaUnknown) as raised:
        return raised


def answer(kind: InputKind, value: bytes) -> Any:
    """Return the answer, after checking that it is one of those that may be given."""
    found = attempt(kind, value)
    if isinstance(found, Refused):
        assert found.reason in REASONS
    if isinstance(found, Translated):
        of_all = isinstance(found.command, SetPolicy | EditPolicy)
        assert of_all or 0 < len(found.item.encode()) <= 255
        assert of_all or 0 < len(found.tenant.encode()) <= 255
        assert 0 <= found.command.at_us
        amounts = [getattr(found.command, name, None) or 0 for name in ("quantity", "delta", "absolute", "on_hand")]
        assert all(abs(amount) <= MAX_HUNDREDTHS for amount in amounts)
        assert found.command == msgspec.json.decode(msgspec.json.encode(found.command), type=AnyCommand)
    return found


@given(KINDS, st.binary())
def test_any_bytes_have_an_answer(kind: InputKind, value: bytes) -> None:
    assert isinstance(answer(kind, value), Refused | SchemaUnknown)


@given(KINDS, st.integers(1, 13), st.binary())
def test_any_bytes_behind_the_id_of_a_schema_have_an_answer(kind: InputKind, schema_id: int, value: bytes) -> None:
    assert isinstance(answer(kind, b"\0\0\0\0" + bytes([schema_id]) + value), Translated | Skipped | Refused)


@given(KINDS, JSON)
def test_any_json_has_an_answer(kind: InputKind, content: Any) -> None:
    answer(kind, json.dumps(content).encode())


@given(KINDS, JSON | st.binary())
def test_whatever_a_message_is_about_it_is_reported_or_passed_over(kind: InputKind, content: Any) -> None:
    value = content if isinstance(content, bytes) else json.dumps(content).encode()
    said = subjects.about(kind, value)
    assert all(one is None or isinstance(one, str) for one in said)
    assert all(isinstance(name, str) for name in subjects.unread(kind, value))


@given(KINDS, st.data())
def test_any_single_field_gone_wrong_has_an_answer(kind: InputKind, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    answer(kind, json.dumps({**CAMEL[kind], name: data.draw(ODD)}).encode())


@given(KINDS, st.data())
def test_any_single_byte_gone_wrong_has_an_answer(kind: InputKind, data: st.DataObject) -> None:
    value = bytearray(msgspec.json.encode(CAMEL[kind]))
    value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    answer(kind, bytes(value))


@given(KINDS, JSON)
def test_the_same_bytes_have_the_same_answer(kind: InputKind, content: Any) -> None:
    value = json.dumps(content).encode()
    assert str(answer(kind, value)) == str(answer(kind, value))


PLAIN = {
    "string": st.text(),
    "bytes": st.binary(),
    "long": st.integers(-(2**63), 2**63 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "boolean": st.booleans(),
    "double": st.floats(allow_nan=False),
}


@st.composite
def flat_records(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a flat schema and what it wrote."""
    fields, content = [], {}
    for number, plain in enumerate(draw(st.lists(st.sampled_from(sorted(PLAIN)), min_size=1, max_size=8))):
        name = f"f{number}"
        declared, values = plain, PLAIN[plain]
        if draw(st.booleans()):
            declared, values = draw(st.permutations(["null", plain])), values | st.none()  # type: ignore[assignment]
        fields.append({"name": name, "type": declared})
        content[name] = draw(values)
    return {"type": "record", "name": "ReservationCreatedEvent", "fields": fields}, content


@given(flat_records())
def test_the_flat_reader_reads_what_fastavro_writes(drawn: tuple[dict[str, Any], dict[str, Any]]) -> None:
    schema, content = drawn
    steps = avro_fast_path.steps(schema["fields"], dict.fromkeys(content, lambda value: value))
    assert steps is not None
    found = avro_fast_path.read(steps, avro(schema, content, 1), avro_decoder.FRAME)
    assert {name: value for name, value in content.items() if value is not None} == found


@pytest.mark.parametrize(
    "coded",
    [
        b"\x01",  # length -1
        b"\x06ab",  # one byte short
        b"\xff" * 10 + b"\x01",  # a number of eleven bytes
        b"\xff" * 9 + b"\x7f",  # a number of 70 bits
        b"\xfe\xff\xff\xff\x0f",  # a length of two gigabytes
        b"\x80",  # a number cut short
    ],
    ids=str,
)
def test_lengths_that_cannot_be_are_undecodable(coded: bytes) -> None:
    assert (
        getattr(answer(InputKind.CONFIRMED, framed("ReservationConfirmedEvent", coded)), "reason", None)
        == "undecodable"
    )


@pytest.mark.parametrize("branch", [1, 3, 4, 128])
def test_a_branch_that_is_none_is_undecodable(branch: int) -> None:
    coded = b"\x02r\x02i" + bytes([branch])
    assert (
        getattr(answer(InputKind.CONFIRMED, framed("ReservationConfirmedEvent", coded)), "reason", None)
        == "undecodable"
    )


def framed(event: str, coded: bytes) -> bytes:
    """Return the bytes behind the frame of the event's schema."""
    return b"\0\0\0\0" + bytes([schema_files.events().index(event) + 1]) + coded
