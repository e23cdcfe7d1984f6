"""Policy changes: how far each reaches, and what is refused before it reaches the log."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from atp_stream.domain.commands import AnyCommand, EditItem, EditPolicy, Grant, Move, Revoke, SetPolicy
from atp_stream.messages import schema_files
from atp_stream.messages.inbound import InputKind, Translated
from tests.messages.wire import NOON, avro, reason, translate

AT = "2024-05-01T12:00:00Z"
DOCUMENT = {"tenants": {"*": {"channels": {"ECOM": {"buffer": 1.5}}}}}
ITEM = {"tenantId": "acme", "itemId": "lamp", "eventId": "e", "timestamp": AT}
TENANT = {"tenantId": "acme", "eventId": "e", "timestamp": AT}
HEAD: dict[str, Any] = {"event_id": "e", "at_us": NOON}


def raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


EXAMPLES: list[tuple[dict[str, Any], tuple[str, str, AnyCommand]]] = [
    (
        {"action": "SET", "eventId": "e", "timestamp": AT, "policy": DOCUMENT},
        ("", "", SetPolicy(**HEAD, document=raw('{"tenants":{"*":{"channels":{"ECOM":{"buffer":1.5}}}}}'))),
    ),
    (
        {**TENANT, "action": "SET", "policy": {"time_limit": 900}},
        ("", "", EditPolicy(**HEAD, tenant="acme", patch=raw('{"time_limit":900}'))),
    ),
    (
        {**TENANT, "action": "SET", "channel": "B2B", "policy": {"kind": "QUOTA"}},
        ("", "", EditPolicy(**HEAD, tenant="acme", patch=raw('{"channels":{"B2B":{"kind":"QUOTA"}}}'))),
    ),
    (
        {**ITEM, "action": "SET", "policy": {"safety_stock": None}},
        ("acme", "lamp", EditItem(**HEAD, patch=raw('{"safety_stock":null}'))),
    ),
    (
        {**ITEM, "action": "SET", "channel": "B2B", "policy": {"floor": 2}},
        ("acme", "lamp", EditItem(**HEAD, patch=raw('{"channels":{"B2B":{"floor":2}}}'))),
    ),
    ({**ITEM, "action": "SET", "policy": "null"}, ("acme", "lamp", EditItem(**HEAD, patch=raw("null")))),
    (
        {**TENANT, "action": "FREEZE", "channel": "B2B"},
        ("", "", EditPolicy(**HEAD, tenant="acme", patch=raw('{"frozen":{"B2B":true}}'))),
    ),
    (
        {**TENANT, "action": "UNFREEZE", "channel": "B2B"},
        ("", "", EditPolicy(**HEAD, tenant="acme", patch=raw('{"frozen":{"B2B":null}}'))),
    ),
    (
        {**ITEM, "action": "FREEZE", "channel": "B2B"},
        ("acme", "lamp", EditItem(**HEAD, patch=raw('{"frozen":{"B2B":true}}'))),
    ),
    (
        {**ITEM, "action": "GRANT", "channel": "B2B", "quantity": 12.5},
        ("acme", "lamp", Grant(**HEAD, channel="B2B", quantity=1250)),
    ),
    (
        {**ITEM, "action": "GRANT", "channel": "B2B", "percent": 12.5},
        ("acme", "lamp", Grant(**HEAD, channel="B2B", percent=1250)),
    ),
    (
        {**ITEM, "action": "REVOKE", "channel": "B2B", "quantity": 3},
        ("acme", "lamp", Revoke(**HEAD, channel="B2B", quantity=300)),
    ),
    ({**ITEM, "action": "revoke", "channel": "B2B"}, ("acme", "lamp", Revoke(**HEAD, channel="B2B"))),
    (
        {**ITEM, "action": "MOVE", "channel": "B2B", "toChannel": "ECOM", "quantity": 3},
        ("acme", "lamp", Move(**HEAD, channel="B2B", to="ECOM", quantity=300)),
    ),
]


every_example = pytest.mark.parametrize(
    ("content", "expected"),
    EXAMPLES,
    ids=[f"{number} {content['action']}" for number, (content, _) in enumerate(EXAMPLES)],
)


@every_example
def test_what_a_policy_change_names_says_how_far_it_reaches(
    content: dict[str, Any], expected: tuple[str, str, AnyCommand]
) -> None:
    assert Translated(*expected) == translate(InputKind.POLICY, content, None)


@every_example
def test_an_envelope_says_the_same(content: dict[str, Any], expected: tuple[str, str, AnyCommand]) -> None:
    head: dict[str, Any] = {name: content[name] for name in ("eventId", "timestamp", "tenantId") if name in content}
    payload = {name: value for name, value in content.items() if name not in head}
    enveloped: dict[str, Any] = {"eventType": "PolicyChangedEvent", **head, "payload": payload}
    assert Translated(*expected) == translate(InputKind.POLICY, enveloped, None)


@every_example
def test_framed_avro_says_the_same_and_carries_the_policy_as_text(
    content: dict[str, Any], expected: tuple[str, str, AnyCommand]
) -> None:
    schema = schema_files.schema("PolicyChangedEvent")
    absent: dict[str, Any] = {field["name"]: None for field in schema["fields"]}
    said = {**absent, **content, "timestamp": NOON}
    said |= {name: Decimal(str(said[name])) for name in ("quantity", "percent") if said[name] is not None}
    if isinstance(said["policy"], dict):
        said["policy"] = json.dumps(said["policy"], separators=(",", ":"))

    assert Translated(*expected) == translate(InputKind.POLICY, avro(schema, said), None)


def test_the_default_tenant_never_narrows_a_whole_document() -> None:
    found = translate(InputKind.POLICY, {"action": "SET", "policy": DOCUMENT}, "acme")
    assert isinstance(found, Translated)
    assert ("", "", SetPolicy) == (found.tenant, found.item, type(found.command))


@pytest.mark.parametrize("named", [{"itemId": "lamp"}, {"channel": "ECOM"}], ids=str)
def test_a_set_that_names_anything_else_belongs_to_the_default_tenant_or_nobody(named: dict[str, str]) -> None:
    content: dict[str, Any] = {
        "action": "SET",
        "policy": {"channels": {}} if "itemId" in named else {"buffer": 1},
        **named,
    }
    found = translate(InputKind.POLICY, content, "acme")
    assert isinstance(found, Translated)
    assert "acme" in (found.tenant, getattr(found.command, "tenant", None))
    assert "missing_tenant" == reason(InputKind.POLICY, content, None)


def test_a_policy_that_stands_as_text_in_json_is_the_same_policy() -> None:
    plain = {**TENANT, "action": "SET", "policy": {"time_limit": 900}}
    assert translate(InputKind.POLICY, plain) == translate(InputKind.POLICY, {**plain, "policy": '{"time_limit":900}'})


def test_no_digit_of_a_policy_is_lost() -> None:
    content = b'{"action":"SET","tenantId":"acme","policy":{"rule":{"buffer":0.10000000000000000001}}}'
    found = translate(InputKind.POLICY, content)
    assert isinstance(found, Translated)
    assert isinstance(found.command, EditPolicy)
    assert b'{"rule":{"buffer":0.10000000000000000001}}' == bytes(found.command.patch)


def test_changes_without_ids_are_distinguished_by_what_they_say() -> None:
    said = {"tenantId": "acme", "itemId": "lamp", "timestamp": AT, "channel": "B2B"}
    contents: list[dict[str, Any]] = [
        {**said, "action": "GRANT", "quantity": 1},
        {**said, "action": "GRANT", "quantity": 2},
        {**said, "action": "GRANT", "percent": 1},
        {**said, "action": "REVOKE", "quantity": 1},
        {**said, "action": "SET", "policy": {"floor": 1}},
        {**said, "action": "SET", "policy": {"floor": 2}},
        {**said, "action": "FREEZE"},
        {**said, "action": "FREEZE", "channel": "ECOM"},
        {**said, "action": "FREEZE", "itemId": None},
    ]
    found = [translate(InputKind.POLICY, content) for content in contents]
    assert len(contents) == len({one.command.event_id for one in found if isinstance(one, Translated)})
    assert found == [translate(InputKind.POLICY, content) for content in contents]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({**ITEM}, "unknown_action"),
        ({**ITEM, "action": "SELL"}, "unknown_action"),
        ({**TENANT, "action": "GRANT", "channel": "B2B", "quantity": 1}, "missing_item"),
        ({**ITEM, "action": "GRANT", "quantity": 1}, "missing_channel"),
        ({**ITEM, "action": "GRANT", "channel": "B2B"}, "missing_quantity"),
        ({**ITEM, "action": "GRANT", "channel": "B2B", "quantity": 0}, "not_positive"),
        ({**ITEM, "action": "GRANT", "channel": "B2B", "percent": 0}, "bad_percent"),
        ({**ITEM, "action": "GRANT", "channel": "B2B", "percent": 100.01}, "bad_percent"),
        ({**ITEM, "action": "GRANT", "channel": "B2B", "percent": 5, "quantity": 5}, "bad_percent"),
        ({**ITEM, "action": "REVOKE", "channel": "B2B", "quantity": -1}, "not_positive"),
        ({**ITEM, "action": "MOVE", "channel": "B2B", "toChannel": "ECOM"}, "missing_quantity"),
        ({**ITEM, "action": "MOVE", "channel": "B2B", "quantity": 1}, "missing_channel"),
        ({**ITEM, "action": "MOVE", "toChannel": "B2B", "quantity": 1}, "missing_channel"),
        ({**TENANT, "action": "FREEZE"}, "missing_channel"),
        ({**TENANT, "action": "SET"}, "missing_policy"),
        ({**TENANT, "action": "SET", "policy": None}, "missing_policy"),
        ({"action": "SET", "policy": ""}, "missing_policy"),
        ({"action": "SET", "policy": {"retention": -1}}, "policy_invalid"),
        ({"action": "SET", "policy": "null"}, "policy_invalid"),
        ({**TENANT, "action": "SET", "policy": "{"}, "policy_invalid"),
        ({**TENANT, "action": "SET", "policy": [1]}, "policy_invalid"),
        ({**TENANT, "action": "SET", "policy": "7"}, "policy_invalid"),
        ({**TENANT, "action": "SET", "policy": '{"a":' * 40 + "1" + "}" * 40}, "policy_invalid"),
        ({**TENANT, "action": "SET", "policy": '{"a":' * 20_000}, "policy_invalid"),
        ({**ITEM, "action": "SET", "itemId": "a\nb", "policy": {}}, "control_character"),
    ],
    ids=str,
)
def test_what_breaks_the_contract_is_refused_with_its_reason(content: dict[str, Any], why: str) -> None:
    assert why == reason(InputKind.POLICY, content)
