"""`atp policy`: what a person says becomes one policy change, checked before it is sent."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.cli.get import only
from atp_stream.cli.group import Failure
from atp_stream.cli.merge_patch import patch_of
from atp_stream.cli.policy_view import show_document
from atp_stream.cli.producing import Place
from atp_stream.devstack.ports import free_port
from atp_stream.provision import initialise
from atp_stream.settings import Settings, environment_of
from atp_stream.topics import Topics
from tests.cli.test_events import read
from tests.messages.answers import serving

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


@pytest.mark.parametrize(
    ("text", "why"), [(None, "cannot be read"), ("[]", "is not a JSON object"), ("{", "is not a JSON object")]
)
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


class FakeWorker:
    """Answers every request with what its `pages` say, the last page for ever; `asked` are the paths."""

    def __init__(self, *pages: dict[str, Any] | bytes) -> None:
        self.pages = [page if isinstance(page, bytes) else json.dumps(page).encode() for page in pages]
        self.asked: list[str] = []

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve, and give the address."""

        def answer(_: str, path: str) -> tuple[int, bytes]:
            self.asked.append(path)
            return 200, self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]

        with serving(answer) as url:
            yield url


IN_FORCE = b'{"heard":null,"since":null,"met_by_all":true,"document":{"tenants":{"*":{"rule":{"buffer":1.10}}}}}'


def test_the_policy_in_force_is_what_a_worker_says_with_every_digit() -> None:
    worker = FakeWorker(IN_FORCE)
    with worker.serving() as url:
        code, out, err = atp("show", "--url", url)
    assert (0, "", True) == (code, err, '"buffer": 1.10' in out)
    assert ({"tenants": {"*": {"rule": {"buffer": 1.1}}}}, ["/policy"]) == (json.loads(out), worker.asked)


def test_a_change_that_nobody_can_check_is_not_sent_and_says_so() -> None:
    code, out, err = atp("set", "time_limit=900", "--tenant", "acme", "--url", f"http://{NOWHERE}")
    expected = (
        f"atp: not sent, for it cannot be checked: no worker answers at http://{NOWHERE}/policy: correct --url, or"
        " start one with `atp worker`\n"
    )
    assert (1, "", expected) == (code, out, err)


@pytest.mark.parametrize(
    ("arguments", "before", "path", "missing"),
    [
        (("show",), "", "/policy", "document"),
        (("show", "--item", "lamp", "--tenant", "acme"), "", "/policy/acme/lamp", "safety_stock"),
        (
            ("set", "time_limit=900", "--tenant", "acme"),
            "not sent, for it cannot be checked: ",
            "/policy",
            "document",
        ),
    ],
    ids=["document", "rules", "check"],
)
def test_what_is_no_worker_of_this_version_is_one_line(
    arguments: tuple[str, ...], before: str, path: str, missing: str
) -> None:
    with FakeWorker({"status": "up"}).serving() as url:
        code, out, err = atp(*arguments, "--url", url)
    expected = (
        f"atp: {before}what answers at {url}{path} does not tell `{missing}`: it is an older worker, or none of ours\n"
    )
    assert (1, "", expected) == (code, out, err)


def test_a_change_that_would_contradict_what_is_there_is_not_sent() -> None:
    with FakeWorker(IN_FORCE).serving() as url:
        code, out, err = atp("set", "--channel", "ECOM", "rank=1", "--tenant", "acme", "--url", url)
    expected = "atp: the policy is not valid: tenants.acme.channels.ECOM.rank: belongs to QUOTA, not to POOLED\n"
    assert (1, "", expected) == (code, out, err)


@pytest.mark.parametrize(
    ("own", "arguments", "expected"),
    [
        (
            None,
            ["time_limit=10"],
            "item.time_limit: is a key of a tenant, and not allowed here; allowed are channels, ",
        ),
        ({"rule": {"kind": "QUOTA"}}, ["rule.weight=0.5"], "item.rule.weight: belongs to SHARE, not to QUOTA"),
        (None, ["--channel", "B2B", "kind=quota"], "item.channels.B2B.kind: 'quota' is not one of POOLED, SHARE, "),
    ],
)
def test_a_change_for_an_item_that_is_not_valid_is_not_sent(own: Any, arguments: list[str], expected: str) -> None:
    with FakeWorker({"own": own}).serving() as url:
        code, out, err = atp("set", "--item", "lamp", "--tenant", "acme", "--url", url, *arguments)
    assert (1, "", 1) == (code, out, err.count("\n"))
    assert err.startswith(f"atp: the policy is not valid: {expected}")


def test_a_change_for_an_item_is_checked_in_itself_where_no_worker_shows_what_was_set_before() -> None:
    code, out, err = atp("set", "--item", "lamp", "--tenant", "acme", "--url", f"http://{NOWHERE}", "time_limit=10")
    assert (1, "") == (code, out)
    assert "item.time_limit: is a key of a tenant" in err


def test_a_change_for_an_item_that_what_was_set_before_allows_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COMMANDS, "produce", produced)
    for own in ({"rule": {"kind": "QUOTA"}}, "nobody tells"):
        with FakeWorker({"own": own} if isinstance(own, dict) else {}).serving() as url:
            code, out, _ = atp("set", "--item", "lamp", "--tenant", "acme", "--url", url, "rule.rank=2")
        assert (0, "orders partition 0 offset 0\n") == (code, out)


COMMANDS = import_module("atp_stream.cli.policy")  # the package has the group of commands under this name
RULES = {
    "default_channel": "ECOM",
    "channels": [{"channel": "B2B"}, {"channel": "STORE"}],
    "aliases": {"Shop": "STORE"},
}


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        (("freeze", "STOER"), "STOER (did you mean STORE?); it is frozen as a new one"),
        (("unfreeze", "PARTNER"), "PARTNER; nothing is frozen under this name"),
        (("grant", "lamp", "BTB", "5"), "BTB (did you mean B2B?); it names B2B, STORE"),
        (("move", "lamp", "B2B", "stor", "5"), "stor (did you mean STORE?); it names B2B, STORE"),
        (
            ("set", "--item", "lamp", "--channel", "B2BX", "buffer=1"),
            "B2BX (did you mean B2B?); it is new with this change",
        ),
    ],
    ids=lambda expected: expected[0] if isinstance(expected, tuple) else "",
)
def test_a_channel_that_the_policy_does_not_name_is_reported(
    arguments: tuple[str, ...], note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(COMMANDS, "produce", produced)
    with FakeWorker(RULES).serving() as url:
        code, _, err = atp(*arguments, "--tenant", "acme", "--url", url)
    assert (0, f"note: the policy names no channel {note}\n") == (code, err)


@pytest.mark.parametrize("channel", ["B2B", "Shop", "ECOM", "store", "B2B "])
def test_a_channel_that_the_policy_names_is_not_reported(channel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COMMANDS, "produce", produced)
    with FakeWorker(RULES).serving() as url:
        code, _, err = atp("freeze", channel, "--tenant", "acme", "--url", url)
    assert (0, "") == (code, err)


def test_where_no_worker_shows_the_policy_a_change_goes_without_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COMMANDS, "produce", produced)
    code, _, err = atp("freeze", "STOER", "--tenant", "acme", "--url", f"http://{NOWHERE}")
    assert (0, "") == (code, err)


async def produced(*_: Any) -> Place:
    return Place("orders", 0, 0)


@pytest.mark.parametrize(
    ("channels", "has"), [([{"channel": "B2B"}, {"channel": "STORE"}], "B2B, STORE"), ([], "none")]
)
def test_who_asks_for_a_channel_that_an_item_has_not_is_told_which_it_has(channels: Any, has: str) -> None:
    with pytest.raises(Failure) as refused:
        only({"tenant": "acme", "item": "lamp", "channels": channels}, "STOER")
    assert f"item 'lamp' of 'acme' has no channel 'STOER'; it has {has}" == refused.value.message


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


OF_ITS_OWN = "note: acme gets a section of its own, a copy of *: later changes of * no longer reach it\n"


@pytest.mark.stack
def test_to_thaw_for_an_item_what_is_frozen_for_all_says_how_to_sell_it(variables: dict[str, str]) -> None:
    frozen = {"document": {"tenants": {"*": {"channels": {"B2B": {}}, "frozen": {"B2B": True}}}}}
    with FakeWorker(frozen).serving() as url:
        code, _, err = atp("unfreeze", "b2b", "--item", "lamp", "--url", url, **variables)

    expected = "note: B2B is frozen for all items; to sell this one: atp policy set --item lamp frozen.B2B=false\n"
    assert (0, expected) == (code, err)


@pytest.fixture
def variables(settings: Settings) -> dict[str, str]:
    asyncio.run(initialise(settings))
    return {**environment_of(settings), "ATP_DEFAULT_TENANT": "acme"}


@pytest.mark.stack
def test_each_command_is_one_policy_change_on_their_topic(settings: Settings, variables: dict[str, str]) -> None:
    for number, (arguments, said) in enumerate(SENT):
        with FakeWorker(IN_FORCE).serving() as url:
            code, out, err = atp(*arguments, "--event-id", "e1", "--json", "--url", url, **variables)

        place = json.loads(out)
        sent = json.loads(read(settings, place).value)
        assert (0, "") == (code, err.replace(OF_ITS_OWN, ""))
        assert (OF_ITS_OWN in err) == (arguments[0] == "set" and "--item" not in arguments)
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
def test_a_change_for_an_item_is_in_force_once_nothing_is_deferred_for_it(variables: dict[str, str]) -> None:
    worker = FakeWorker(RULES, {"heard": None, "kept": 0}, {"heard": 0, "kept": 2}, {"heard": 0, "kept": 0})
    with worker.serving() as url:
        code, out, err = atp("freeze", "B2B", "--item", "lamp", "--wait", "--url", url, **variables)

    assert (0, "in force\n", "") == (code, out, err)
    assert 4 * ["/policy/acme/lamp"] == worker.asked


@pytest.mark.stack
def test_a_change_that_stays_deferred_is_reported(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atp_stream.cli.wait._PATIENCE_S", 1.0)
    with FakeWorker({"heard": 0, "kept": 2}).serving() as url:
        code, out, err = atp("freeze", "B2B", "--item", "lamp", "--wait", "--url", url, **variables)

    assert (1, "", 1) == (code, out, err.count("\n"))
    expected = "was read, but 2 messages of the item are still deferred: it has work to finish, or is in quarantine\n"
    assert err.endswith(expected)
