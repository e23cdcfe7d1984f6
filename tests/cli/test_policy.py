"""`atp policy`: what a person says becomes one order, checked before it is sent."""

import asyncio
import json
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.cli.changes import patch_of
from atp_stream.cli.frame import Failure
from atp_stream.cli.rules import show_document
from atp_stream.devstack.ports import free_port
from atp_stream.provision import initialise
from atp_stream.settings import Settings
from atp_stream.topics import Topics
from chaos.fleet import environment
from tests.cli.test_events import read

NOWHERE = f"127.0.0.1:{free_port()}"
TENANT = {"tenantId": "acme"}
ITEM = {"tenantId": "acme", "itemId": "lamp"}


def atp(*arguments: str, **variables: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["policy", *arguments], env={"ATP_BROKER": NOWHERE, **variables})
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("changes", "patch"),
    [
        (["kind=QUOTA", "rank=1", "overflow=true"], {"kind": "QUOTA", "rank": 1, "overflow": True}),
        (["channels.B2B.floor=2", "channels.B2B.buffer=1.5"], {"channels": {"B2B": {"floor": 2, "buffer": 1.5}}}),
        (["weight=null"], {"weight": None}),
        (['safety_stock={"fixed": 5}'], {"safety_stock": {"fixed": 5}}),
        (["aliases.Web=ECOM", "shortage=deallocate"], {"aliases": {"Web": "ECOM"}, "shortage": "deallocate"}),
        (["aliases.a=b=c"], {"aliases": {"a": "b=c"}}),
        (["null"], None),
    ],
    ids=str,
)  # fmt: skip
def test_words_become_a_merge_patch(changes: list[str], patch: Any) -> None:
    assert patch == msgspec.json.decode(bytes(patch_of(changes)))


def test_a_number_keeps_its_digits() -> None:
    assert b'{"buffer":0.10000000000000000001}' == bytes(patch_of(["buffer=0.10000000000000000001"]))


def test_a_file_is_a_patch_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "patch.json"
    file.write_text('{"time_limit": 900}\n')
    assert b'{"time_limit": 900}' == bytes(patch_of([str(file)]))


@pytest.mark.parametrize("changes", [["=1"], ["a..b=1"], ["a=1", "a.b=2"], ["a=1", "b"]], ids=str)
def test_what_is_no_change_is_wrong_usage(changes: list[str]) -> None:
    with pytest.raises(click.UsageError):
        patch_of(changes)


@pytest.mark.parametrize(("text", "why"), [(None, "cannot be read"), ("[]", "is no JSON object"), ("{", "is no JSON")])
def test_a_file_that_is_no_patch_is_one_line(tmp_path: Path, text: str | None, why: str) -> None:
    file = tmp_path / "patch.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(Failure, match=why):
        patch_of([str(file)])


@pytest.mark.parametrize(
    "arguments",
    [
        ("set", "time_limit=900"),
        ("grant", "lamp", "B2B", "5"),
        ("revoke", "lamp", "B2B"),
        ("move", "lamp", "B2B", "ECOM", "5"),
        ("freeze", "B2B"),
        ("unfreeze", "B2B", "--item", "lamp"),
        ("show", "--item", "lamp"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_policy_of_nobody_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert 2 == atp(*arguments)[0]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("grant", "lamp", "B2B"), "missing_quantity"),
        (("grant", "lamp", "B2B", "5", "--percent", "5"), "bad_percent"),
        (("grant", "lamp", "B2B", "--percent", "101"), "bad_percent"),
        (("grant", "lamp", "B2B", "0"), "not_positive"),
        (("move", "lamp", "B2B", " ", "5"), "missing_channel"),
        (("freeze", " "), "missing_channel"),
    ],
    ids=str,
)
def test_what_workers_would_refuse_is_wrong_usage(arguments: tuple[str, ...], reason: str) -> None:
    code, out, err = atp(*arguments, ATP_DEFAULT_TENANT="acme")
    assert (2, "", True) == (code, out, err.endswith(f"({reason})\n"))


def test_a_tenant_without_a_section_lives_by_that_of_all_others(capsys: pytest.CaptureFixture[str]) -> None:
    document = b'{"tenants":{"*":{"time_limit":5},"acme":{"time_limit":7}}}'
    for tenant in ("acme", "globex"):
        show_document(document, tenant)
    assert [{"time_limit": 7}, {"time_limit": 5}] == [
        json.loads(one + "}") for one in capsys.readouterr().out.replace("\n", "").split("}")[:-1]
    ]


def test_a_tenant_that_the_policy_knows_nothing_of_is_one_line() -> None:
    with pytest.raises(Failure, match="says nothing of tenant 'acme', and nothing of `\\*`"):
        show_document(b'{"retention":5}', "acme")


SENT: list[tuple[list[str], dict[str, Any]]] = [
    (["set", "time_limit=900"], {**TENANT, "action": "SET", "policy": {"time_limit": 900}}),
    (
        ["set", "--channel", "B2B", "kind=QUOTA", "min=2.5"],
        {**TENANT, "action": "SET", "channel": "B2B", "policy": {"kind": "QUOTA", "min": 2.5}},
    ),
    (["set", "--item", "lamp", "null"], {**ITEM, "action": "SET", "policy": "null"}),
    (
        ["set", "--tenant", "*", "--item", "lamp", "frozen.B2B=false"],
        {"tenantId": "*", "itemId": "lamp", "action": "SET", "policy": {"frozen": {"B2B": False}}},
    ),
    (["grant", "lamp", "B2B", "12.5"], {**ITEM, "action": "GRANT", "channel": "B2B", "quantity": 12.5}),
    (["grant", "lamp", "B2B", "--percent", "40"], {**ITEM, "action": "GRANT", "channel": "B2B", "percent": 40}),
    (["revoke", "lamp", "B2B"], {**ITEM, "action": "REVOKE", "channel": "B2B"}),
    (
        ["move", "lamp", "B2B", "ECOM", "3"],
        {**ITEM, "action": "MOVE", "channel": "B2B", "toChannel": "ECOM", "quantity": 3},
    ),
    (["freeze", "B2B"], {**TENANT, "action": "FREEZE", "channel": "B2B"}),
    (["unfreeze", "B2B", "--item", "lamp"], {**ITEM, "action": "UNFREEZE", "channel": "B2B"}),
]


@pytest.fixture
def variables(settings: Settings) -> dict[str, str]:
    asyncio.run(initialise(settings))
    return {**environment(settings), "ATP_DEFAULT_TENANT": "acme"}


@pytest.mark.stack
def test_each_command_is_one_order_on_the_topic_of_orders(settings: Settings, variables: dict[str, str]) -> None:
    for number, (arguments, said) in enumerate(SENT):
        code, out, err = atp(*arguments, "--event-id", "e1", "--json", **variables)

        place = json.loads(out)
        sent = json.loads(read(settings, place).value)
        assert (0, "") == (code, err)
        assert (Topics.of(settings).policy.name, 0, number) == (place["topic"], place["partition"], place["offset"])
        assert sent == place["message"]
        assert {**said, "eventId": "e1", "timestamp": sent["timestamp"]} == sent


@pytest.mark.stack
def test_a_whole_document_is_sent_as_it_stands_and_belongs_to_no_tenant(
    settings: Settings, variables: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    file.write_text('{"retention": 60, "tenants": {"*": {"rule": {"buffer": 1.50}}}}\n')

    code, out, _ = atp("apply", str(file), "--json", **variables)

    value = read(settings, json.loads(out)).value
    assert (0, True) == (code, b'"policy":{"retention": 60, "tenants": {"*": {"rule": {"buffer": 1.50}}}}' in value)
    assert {"eventId", "timestamp", "action", "policy"} == set(json.loads(value))


@pytest.mark.stack
def test_a_change_that_would_contradict_what_is_there_is_not_sent(
    settings: Settings, variables: dict[str, str]
) -> None:
    code, out, err = atp("set", "--channel", "ECOM", "rank=1", **variables)

    assert (1, "") == (code, out)
    expected = (
        "atp: the policy would contradict itself: tenants.acme.channels.ECOM.rank: belongs to QUOTA, not to POOLED\n"
    )
    assert expected == err
