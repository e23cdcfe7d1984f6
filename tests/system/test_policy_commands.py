"""Policy commands on the real Kafka: every item follows them, and whoever gives one learns what became of it."""

import asyncio
from typing import Any

import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.settings import environment_of
from chaos import judge, refold
from tests.system.site import Site, Worker

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LAMPS = [f"lamp-{number}" for number in range(12)]


async def atp(site: Site, *arguments: str) -> tuple[int, str, str]:
    """Give a policy command as a person does, and wait for its answer."""
    given = ["policy", *arguments, "--wait", "--url", site.workers[0].url]
    done = await asyncio.to_thread(CliRunner().invoke, main, given, env=environment_of(site.settings))
    return done.exit_code, done.stdout, done.stderr


async def channels(worker: Worker, item: str) -> dict[str, Any]:
    """Return what the view of an item says of its channels."""
    _, body = await worker.get(f"/atp/acme/{item}")
    return {channel["channel"]: channel for channel in body["channels"]}


async def test_a_change_for_a_tenant_reaches_every_item_wherever_it_lies(site: Site) -> None:
    worker = site.add_worker()
    site.add_worker()
    await site.ready()
    for lamp in LAMPS:
        await site.send(site.topics.counted.name, {"itemId": lamp, "onHand": 100})
    await site.drained()

    own_section = "note: acme gets a section of its own, a copy of *: later changes of * no longer reach it\n"
    assert (0, "in force\n", own_section) == await atp(site, "set", "--channel", "STORE", "kind=SHARE", "weight=0.25")
    assert (0, "in force\n", "") == await atp(site, "freeze", "B2B")
    await site.drained()

    shown = [await channels(worker, lamp) for lamp in LAMPS]
    assert [(100, 25, 0)] * 12 == [tuple(one[name]["available"] for name in ("ECOM", "STORE", "B2B")) for one in shown]
    assert {("POOLED", "SHARE", "FROZEN")} == {
        tuple(one[name]["kind"] for name in ("ECOM", "STORE", "B2B")) for one in shown
    }
    assert [] == await refold.differences(site.settings, await judge.history(site.settings))


async def test_units_are_granted_moved_and_taken_back_for_one_item(site: Site) -> None:
    worker = site.add_worker()
    await site.ready()
    await site.send(site.topics.counted.name, {"itemId": "lamp", "onHand": 100})
    await site.drained()
    for channel in ("B2B", "STORE"):
        assert 0 == (await atp(site, "set", "--item", "lamp", "--channel", channel, "kind=QUOTA"))[0]

    assert 0 == (await atp(site, "grant", "lamp", "B2B", "40"))[0]
    assert 0 == (await atp(site, "grant", "lamp", "STORE", "--percent", "50"))[0]
    assert 0 == (await atp(site, "move", "lamp", "B2B", "STORE", "10"))[0]
    assert 0 == (await atp(site, "revoke", "lamp", "B2B", "5"))[0]

    shown = await channels(worker, "lamp")
    assert (25, 60, 15) == tuple(shown[name]["available"] for name in ("B2B", "STORE", "ECOM"))
    assert (25, 60, 0) == tuple(shown[name]["granted"] for name in ("B2B", "STORE", "ECOM"))
    _, rules = await worker.get("/policy/acme/lamp")
    assert {"channels": {"B2B": {"kind": "QUOTA"}, "STORE": {"kind": "QUOTA"}}} == rules["own"]
    assert [] == await refold.differences(site.settings, await judge.history(site.settings))


async def test_what_the_fold_refuses_is_told_to_whoever_waits(site: Site) -> None:
    site.add_worker()
    await site.ready()
    await site.send(site.topics.counted.name, {"itemId": "lamp", "onHand": 100})
    await site.drained()

    code, out, err = await atp(site, "grant", "lamp", "ECOM", "40")

    assert (1, "") == (code, out)
    assert err.startswith("atp: refused: ")
    assert err.endswith("(not_a_quota)\n")


async def test_a_whole_document_holds_for_every_tenant_whatever_the_default_is(site: Site, tmp_path: Any) -> None:
    worker = site.add_worker()
    await site.ready()
    file = tmp_path / "policy.json"
    file.write_text('{"tenants": {"*": {"channels": {"ECOM": {"buffer": 3}}}}}')

    assert (0, "in force\n", "") == await atp(site, "apply", str(file))

    for tenant in ("acme", "globex"):
        _, rules = await worker.get(f"/policy/{tenant}/lamp")
        expected = {"channel": "ECOM", "kind": "POOLED", "buffer": 3, "floor": 0, "written": "channel"}
        assert [expected] == rules["channels"]


async def test_a_change_that_nobody_folds_is_one_line_in_the_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atp_stream.cli.wait._PATIENCE_S", 1.0)
    site.add_worker().kill()

    code, _, err = await atp(site, "freeze", "B2B")

    assert (1, 1) == (code, err.count("\n"))
    assert err.endswith(": is a worker running?\n")
