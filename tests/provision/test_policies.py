"""The policy in force is what the log says, document and changes together."""

import msgspec
import pytest

from atp_stream.domain.commands import EditPolicy, SetPolicy
from atp_stream.domain.policy import DEFAULT, parse
from atp_stream.messages.rows import encode_command
from atp_stream.provision import initialise, read_policy
from atp_stream.provision.item_log import _named, _Record, append
from atp_stream.provision.policies import _Order, folded
from atp_stream.settings import Settings

ORDERS = "inventory.atp.policy/0"


def document(text: str, source: str = "") -> _Order:
    return _Order(source, SetPolicy(event_id="e", at=0, document=msgspec.Raw(text.encode())))


def change(text: str, source: str = "", tenant: str = "acme") -> _Order:
    return _Order(source, EditPolicy(event_id="e", at=0, tenant=tenant, patch=msgspec.Raw(text.encode())))


def test_without_a_document_nothing_is_known() -> None:
    assert folded([]) is None
    assert folded([change('{"time_limit":5}')]) is None


def test_a_document_that_was_not_changed_is_the_text_itself() -> None:
    assert b'{ "retention": 61 }' == folded([document('{"retention":60}'), document('{ "retention": 61 }')])


def test_changes_behind_a_document_are_in_it() -> None:
    text = folded(
        [
            document('{"tenants":{"*":{"time_limit":5}}}'),
            change('{"rule":{"buffer":1.10}}'),
            change('{"time_limit":null}'),
        ]
    )
    assert text is not None
    assert {"tenants": {"*": {"time_limit": 5}, "acme": {"rule": {"buffer": 1.1}}}} == msgspec.json.decode(text)
    assert b"1.10" in text


def test_a_document_takes_the_place_of_earlier_changes() -> None:
    assert b"{}" == folded([document('{"retention":60}'), change('{"time_limit":5}'), document("{}")])


def test_what_the_fold_refuses_changes_nothing() -> None:
    orders = [
        document('{"retention":60}'),
        document('{"retention":-1}'),
        change('{"time_limit":-1}'),
        change('{"x":1}'),
    ]
    assert b'{"retention":60}' == folded(orders)


def test_what_intake_appended_twice_counts_once() -> None:
    first, second = change('{"time_limit":5}', f"{ORDERS}/1"), change('{"time_limit":6}', f"{ORDERS}/2")
    text = folded([document("{}", f"{ORDERS}/0"), first, second, first])
    assert text is not None
    assert 6 == msgspec.json.decode(text)["tenants"]["acme"]["time_limit"]


@pytest.mark.stack
async def test_changes_are_read_from_the_log_beside_what_is_none(settings: Settings) -> None:
    await initialise(settings)
    patch = encode_command(change('{"time_limit":5}').command)

    await append(
        settings, "test", lambda genesis: [_Record(patch, [_named(genesis)]), _Record(b"?", [_named(genesis)])]
    )

    found = parse(await read_policy(settings)).document
    assert {"*", "acme"} == set(found.tenants)
    assert (5, DEFAULT.document.tenants["*"].channels) == (
        found.tenants["acme"].time_limit,
        found.tenants["acme"].channels,
    )
