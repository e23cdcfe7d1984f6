"""docs/dates.md is true: what it types on a real stack gives what it shows.

The day on which the page is read stands still, that of the stack does not: dates are moved by the days between.
"""

import asyncio
import json
import re
import shlex
import urllib.request
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from atp_stream.cli import main
from atp_stream.settings import environment_of
from tests.docs.pages import ROOT
from tests.system.site import Site

pytestmark = [pytest.mark.stack, pytest.mark.slow]

PAGE = (ROOT / "docs" / "dates.md").read_text()
BLOCKS = re.findall(r"^```(console|json)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SAID_ON = date(2027, 2, 1)


def commands() -> list[tuple[str, str]]:
    """Return each command of the page with what is shown of its output."""
    typed = "".join(text for kind, text in BLOCKS if kind == "console")
    return [(command, shown) for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", typed, re.MULTILINE)]


def moved(text: str, days: int) -> str:
    """Move the dates in a text; a moment keeps its own."""
    return re.sub(r"\b2\d{3}-\d\d-\d\d\b(?!T)", lambda found: str(date.fromisoformat(found[0]) + timedelta(days)), text)


def steady(text: str) -> str:
    """Return a text without what is different each time: moments, ids, and places in logs."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "<moment>", text)
    text = re.sub(r"\b(alloc-)?[0-9a-f]{16}-\d+-\d+-\d+\b", "<id>", text)
    return re.sub(r"[\w.-]+\.[\w.-]+/\d+/\d+", "<place>", text)


class Shell:
    """Runs what the page types, on one worker; its day is today."""

    def __init__(self, site: Site, url: str) -> None:
        self.site, self.url = site, url
        self.days = (datetime.now(UTC).date() - SAID_ON).days

    async def run(self, command: str) -> str:
        """Return the output of a command, with the dates of the page."""
        words = shlex.split(moved(command, self.days))
        if words[0] == "curl":
            page = words[-1].replace("http://127.0.0.1:6066", self.url)
            output = await asyncio.to_thread(lambda: urllib.request.urlopen(page).read().decode() + "\n")
        else:
            output = await asyncio.to_thread(self._atp, words[1:])
        await self.site.drained()
        return moved(output, -self.days)

    def _atp(self, words: list[str]) -> str:
        known = {**environment_of(self.site.settings), "ATP_DEFAULT_TENANT": "acme", "ATP_WEB_URL": self.url}
        done = CliRunner().invoke(main, words, env=known)
        assert (0, "") == (done.exit_code, done.stderr), words
        return done.stdout


@pytest.mark.timeout(240)
async def test_what_the_page_types_gives_what_it_shows(site: Site) -> None:
    site.add_worker()
    await site.ready()
    shell = Shell(site, site.workers[0].url)
    shown, found = [], []
    for command, output in commands():
        got = await shell.run(command)
        if command.startswith("atp send"):  # it says where the event went, which is different each time
            assert re.fullmatch(r"\S+ partition \d offset \d+\n", got)
            got = ""
        shown.append(f"$ {command}\n{steady(output)}")
        found.append(f"$ {command}\n{steady(got)}")
    assert "".join(shown) == "".join(found)
    (event,) = [json.loads(text) for kind, text in BLOCKS if kind == "json"]
    watched_events = await watched(shell)
    promised = [one for one in watched_events if one["eventType"] == "ReservationPromisedEvent"]
    assert without_ids(event) in [without_ids(one) for one in promised]
    assert ["ASKED", "LATER", "EARLIER"] == [one["payload"]["reason"] for one in promised]
    projected = [one for one in watched_events if one["eventType"] == "AvailabilityProjectedEvent"]
    (last, *_) = [one["payload"] for one in reversed(projected) if one["payload"]["channel"] == "ECOM"]
    assert {"asOf": "2027-02-01", "now": 7} == {name: last[name] for name in ("asOf", "now")}


async def watched(shell: Shell) -> list[Any]:
    """Return what `atp watch` shows of all that was published."""
    count = sum([len(await shell.site.read(topic.name)) for topic in shell.site.topics.outputs])
    shown = await shell.run(f"atp watch --item bike --from-beginning --count {count}")
    return [json.loads(line) for line in shown.splitlines()]


def without_ids(event: Any) -> Any:
    return {key: said for key, said in event.items() if key not in {"eventId", "timestamp"}}


def test_the_page_shows_the_output_of_each_command_that_asks() -> None:
    asks = [(command, bool(shown)) for command, shown in commands()]
    assert [(command, not command.startswith("atp send")) for command, _ in asks] == asks
    assert len(asks) > 15
