"""The board and the rules: Prometheus itself reads them, and what they ask for is what workers tell."""

import asyncio
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import yaml
from aiohttp.test_utils import TestClient

from atp_stream.devstack.ports import free_port
from atp_stream.settings import Settings
from tests.system.site import Site

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "observability"
BOARD: dict[str, Any] = json.loads((FOLDER / "atp.json").read_text())
QUERIES = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"] for rule in group["rules"]
]
NAME = re.compile(r"\b(?:atp|process)_[a-z_]+")
VARIABLES = {'job="$job"': 'job="atp"', "$__rate_interval": "1m"}
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="there is no promtool: install Debian's package prometheus"
)
needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="there is no Prometheus: install Debian's package prometheus"
)


def asked(query: str) -> str:
    """Return a query as the board sends it."""
    for variable, value in VARIABLES.items():
        query = query.replace(variable, value)
    return query


@needs_promtool
@pytest.mark.parametrize("command", [["check", "rules", "rules.yml"], ["test", "rules", "rules_test.yml"]])
def test_prometheus_itself_finds_the_rules_right(command: list[str]) -> None:
    done = subprocess.run(["promtool", *command], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("query", QUERIES)
def test_prometheus_can_read_every_query_of_the_board(query: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "one", "rules": [{"record": "x", "expr": asked(query)}]}]}))
    done = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


async def test_every_metric_that_the_board_and_the_rules_name_is_reported_by_a_worker(
    idle: TestClient,  # type: ignore[type-arg]
) -> None:
    text = await (await idle.get("/metrics", headers={"Host": "localhost"})).text()
    known = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    named = {name for query in (*QUERIES, *(rule["expr"] for rule in RULES)) for name in NAME.findall(query)}
    known |= {f"{name}_bucket" for name in known}
    assert named
    assert set() == named - known - {"atp_recording", "atp_alerts"}


def test_no_two_panels_have_the_same_number_or_lie_on_each_other() -> None:
    panels = BOARD["panels"]
    fields = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(fields)) == len(fields)


@needs_prometheus
@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_every_query_of_the_board_has_an_answer_when_a_worker_works(settings: Settings, tmp_path: Path) -> None:
    site = Site(settings, tmp_path)
    await site.open()
    worker = site.add_worker()
    await site.ready()
    port = free_port()
    prometheus = scraping(worker.port, port, tmp_path)
    try:
        missing = await unanswered(site, port)
    finally:
        prometheus.terminate()
        prometheus.wait(20)
        await site.close()
    assert [] == missing


def scraping(worker_port: int, port: int, directory: Path) -> "subprocess.Popen[bytes]":
    """Return a Prometheus that was just started."""
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "atp", "static_configs": [{"targets": [f"127.0.0.1:{worker_port}"]}]}],
    }
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    return subprocess.Popen(
        [
            "prometheus",
            f"--config.file={directory}/prometheus.yml",
            f"--storage.tsdb.path={directory}/tsdb",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
    )


async def unanswered(site: Site, port: int) -> list[str]:
    """Send input, some of it bad, until every query has an answer, or for a minute; return those that have none."""
    missing, number, began = list(QUERIES), 0, time.monotonic()
    async with aiohttp.ClientSession() as session:
        while missing and time.monotonic() - began < 60:
            number += 1
            await site.send(site.topics.counted.name, {"tenantId": "acme", "itemId": f"item-{number}", "onHand": 5})
            await site.send(site.topics.counted.name, b"{")
            await asyncio.sleep(0.5)
            missing = [query for query in missing if not await answered(session, port, asked(query))]
    return missing


async def answered(session: aiohttp.ClientSession, port: int, query: str) -> bool:
    """Return whether a query has a result."""
    try:
        async with session.get(f"http://127.0.0.1:{port}/api/v1/query?{urlencode({'query': query})}") as answer:
            body = await answer.json()
    except aiohttp.ClientError:  # it has just been started
        return False
    return bool(body["status"] == "success" and body["data"]["result"])
