"""The figures for Prometheus."""

from collections import Counter
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from atp_stream.domain.state.overlay import Tally
from atp_stream.engine.app import EngineApp
from atp_stream.engine.commit_group import Answer, CommitGroup
from atp_stream.engine.partition_state import Lane
from atp_stream.engine.position import Position
from atp_stream.records import Output
from atp_stream.web.metrics import COUNTED

Client = TestClient[Any, Any]
COMMITTED, RESOLVED = "AllocationCommittedEvent", "StockDriftResolvedEvent"
LETTERS = "inventory.atp.dead-letter"


def answer(*outputs: Output, **counted: int) -> Answer:
    """Return what a step left behind."""
    return Answer(1, {}, outputs, unfinished=False, counted=counted)


async def figures(client: Client) -> dict[str, float]:
    """Return each sample that is not 0, as it stands in the text."""
    async with client.get("/metrics") as answer:
        assert 200 == answer.status
        return samples(await answer.text())


def samples(text: str) -> dict[str, float]:
    """Return each sample of a text that is not 0."""
    parts = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in parts if float(value)}


async def test_a_step_counts_once_with_its_records_and_what_it_published(idle: Client, app: EngineApp) -> None:
    refused = [("atp-reason", b"stale"), ("atp-origin", b"inventory.adjusted/0/7"), ("atp-detail", b"late")]
    published = [Output("t", 0, b"k", b"v", [], event) for event in (COMMITTED, COMMITTED, RESOLVED)]
    published.append(Output(LETTERS, 0, b"k", b"v", refused, "DeadLetter"))
    app.steps.on_step(3, 7, answer(*published), 0.02)
    app.steps.on_step(4, 1, answer(), 0.3)
    found = await figures(idle)
    assert (2, 8) == (found["atp_steps_total"], found["atp_log_records_total"])
    assert (2, 320) == (found["atp_step_seconds_count"], round(1000 * found["atp_step_seconds_sum"]))
    assert (1, 2) == (found['atp_step_seconds_bucket{le="0.025"}'], found['atp_step_seconds_bucket{le="0.5"}'])
    assert 2 == found['atp_events_total{event="AllocationCommittedEvent"}']
    assert 1 == found['atp_events_total{event="StockDriftResolvedEvent"}']
    assert 1 == found['atp_dead_letters_total{reason="stale"}']


async def test_what_the_ledger_did_not_apply_and_what_it_purged_is_counted(idle: Client, app: EngineApp) -> None:
    app.steps.on_step(3, 7, answer(duplicates=2, past=0, unpaired=1, purged=40, counted_twice=2), 0.02)
    app.steps.on_step(4, 1, answer(duplicates=1, past=3, unpaired=0, purged=0, counted_twice=3), 0.3)
    found = await figures(idle)
    names = ("duplicates", "past_facts", "unpaired_adjustments", "purged_rows", "supply_counted_twice")
    assert [3, 3, 1, 40, 5] == [found[f"atp_{name}_total"] for name in names]


async def test_what_the_ledger_counts_is_there_from_zero(idle: Client) -> None:
    async with idle.get("/metrics") as response:
        text = await response.text()
    assert [] == [name for name, _ in COUNTED.values() if f"{name}_total 0.0\n" not in text]
    assert tuple(COUNTED) == Tally.__struct_fields__


async def test_messages_with_fields_that_are_not_read_are_counted_by_topic_from_zero(
    idle: Client, app: EngineApp
) -> None:
    unread: Counter[str] = app.intake._translate.unread  # type: ignore[attr-defined]
    unread["inventory.adjusted"] += 2
    async with idle.get("/metrics") as response:
        text = await response.text()
    assert 'atp_unread_fields_total{topic="inventory.adjusted"} 2.0\n' in text
    assert 'atp_unread_fields_total{topic="inventory.atp.policy"} 0.0\n' in text


async def test_events_that_never_happened_are_there_as_zero(idle: Client) -> None:
    async with idle.get("/metrics") as answer:
        assert 'atp_events_total{event="ReservationDeniedEvent"} 0.0' in await answer.text()


async def test_messages_are_counted_by_what_became_of_them(idle: Client, app: EngineApp) -> None:
    counts: Counter[tuple[str, str]] = app.intake._translate.counts  # type: ignore[attr-defined]
    counts["inventory.adjusted", "accepted"] = 5
    counts["inventory.adjusted", "undecodable"] = 2
    found = await figures(idle)
    assert 5 == found['atp_messages_total{outcome="accepted",topic="inventory.adjusted"}']
    assert 2 == found['atp_messages_total{outcome="undecodable",topic="inventory.adjusted"}']


async def test_dead_letters_of_intake_and_of_the_ledger_are_counted_together(idle: Client, app: EngineApp) -> None:
    counts: Counter[tuple[str, str]] = app.intake._translate.counts  # type: ignore[attr-defined]
    counts.update({("a", "accepted"): 5, ("a", "skipped_null"): 3, ("a", "policy_invalid"): 1, ("b", "undecodable"): 2})
    letter = Output(LETTERS, 0, b"k", b"v", [("atp-reason", b"policy_invalid")], "DeadLetter")
    app.steps.on_step(0, 1, answer(letter), 0.1)
    found = {
        name: value for name, value in (await figures(idle)).items() if name.startswith("atp_dead_letters") and value
    }
    assert {
        'atp_dead_letters_total{reason="policy_invalid"}': 2,
        'atp_dead_letters_total{reason="undecodable"}': 2,
    } == found


async def test_no_sample_says_when_a_series_began(idle: Client) -> None:
    async with idle.get("/metrics") as answer:
        assert "_created" not in await answer.text()


async def test_a_worker_is_in_one_state(idle: Client) -> None:
    states = {name: value for name, value in (await figures(idle)).items() if name.startswith("atp_worker_state")}
    assert {'atp_worker_state{state="recovering"}': 1} == states


async def test_requests_are_counted_by_the_pattern_that_they_met(idle: Client) -> None:
    for item in ("lamp", "rug"):
        await idle.get(f"/atp/acme/{item}")
    await idle.get("/atp/acme/%00")
    found = await figures(idle)
    assert 2 == found['atp_http_requests_total{method="GET",path="/atp/{tenant}/{item}",status="503"}']
    assert 1 == found['atp_http_requests_total{method="GET",path="/atp/{tenant}/{item}",status="400"}']


async def test_requests_that_meet_no_pattern_and_faults_of_ours_are_counted_too(
    idle: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atp_stream.web.availability.owner", lambda *_: 1 // 0)
    await idle.get("/nothing")
    await idle.put("/health/live")
    await idle.request("PROPFIND", "/coffee")
    await idle.get("/atp/acme/lamp")
    found = {
        name[len("atp_http_requests_total{") :]: value
        for name, value in (await figures(idle)).items()
        if "requests_total" in name
    }
    expected = {
        'method="GET",path="(other)",status="404"}': 1,
        'method="PUT",path="(other)",status="405"}': 1,
        'method="(other)",path="(other)",status="404"}': 1,
        'method="GET",path="/atp/{tenant}/{item}",status="500"}': 1,
    }
    assert expected == found


async def test_no_label_could_name_an_item(idle: Client) -> None:
    async with idle.get("/metrics") as answer:
        families = list(parse_text(await answer.text()))
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    known = {"event", "reason", "risk", "topic", "partition", "outcome", "state", "method", "path", "status", "le"}
    known |= {"version", "faust", "python"}  # of the build
    known |= {"stream", "table", "operation", "metric", "status_code"}  # Faust's
    assert set() == labels - known


async def test_names_follow_the_convention(idle: Client) -> None:
    async with idle.get("/metrics") as answer:
        families = list(parse_text(await answer.text()))
    assert {"atp", "faust", "process"} == {family.name.partition("_")[0] for family in families}
    ours = [family for family in families if family.name.startswith("atp_")]
    assert [] == [family.name for family in ours if not family.documentation.endswith(".")]
    assert {"counter", "gauge", "histogram"} == {family.type for family in ours}


async def test_openmetrics_comes_to_who_asks_for_it(idle: Client) -> None:
    async with idle.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}) as answer:
        assert "application/openmetrics-text" == answer.content_type
        families = {family.name for family in parse_openmetrics(await answer.text())}
    assert {"atp_build_info", "atp_worker_state"} <= families


def own(app: EngineApp, partition: int, applied: int) -> None:
    """Let a worker that was never started own a partition."""
    nothing: Any = None  # neither producer nor store is needed to be counted
    lane = Lane(partition, nothing)
    lane.position = Position(genesis="0011223344556677", applied=applied)
    held = [] if app.steps._group is None else app.steps._group.lanes.values()
    app.steps._group = CommitGroup(nothing, [*held, lane], nothing, nothing)
    app.steps._open = True


async def test_quarantined_items_of_owned_partitions_are_counted(idle: Client, app: EngineApp) -> None:
    own(app, 2, 40)
    own(app, 5, -1)
    marks = [b"|quarantine|acme|lamp", b"|quarantine|acme|rug", b"|work|acme|lamp", b"acme|lamp|i"]
    app.table.apply(2, [(key, b"{}") for key in marks], 7)
    app.table.apply(3, [(marks[0], b"{}")], 7)
    found = await figures(idle)
    assert 2 == found["atp_quarantined_items"]
    assert 2 == found["atp_partitions_owned"]
    assert (40, -1) == (found['atp_log_position{partition="2"}'], found['atp_log_position{partition="5"}'])


async def test_the_number_of_windows_with_rows_is_reported_of_owned_partitions(idle: Client, app: EngineApp) -> None:
    for partition in (2, 4, 5):
        own(app, partition, 40)
    time = (b"|stock_time", b'{"seen":7000,"eras":[[0,0,0,1000]]}')
    marks = [(b"|g|0000000%d|K|acme|lamp|x" % number, b"[]") for number in (3, 6, 7)]
    app.table.apply(2, [time, *marks], 7)
    app.table.apply(3, [time, *marks], 7)
    app.table.apply(4, [time, *marks, (b"|purge", b'{"below":6}')], 7)
    app.table.apply(5, [time], 7)
    found = {name: value for name, value in (await figures(idle)).items() if name.startswith("atp_stock_generations")}
    assert {'atp_stock_generations{partition="2"}': 5, 'atp_stock_generations{partition="4"}': 2} == found


async def test_a_purge_that_is_under_way_is_counted_from_its_cursor(idle: Client, app: EngineApp) -> None:
    own(app, 2, 40)
    marks = [(b"|g|0000000%d|K|acme|lamp|x" % number, b"[]") for number in (3, 5, 7)]
    purge = (b"|purge", b'{"below":2,"cursor":"|g|00000003|K|acme|lamp|y"}')
    app.table.apply(2, [(b"|stock_time", b'{"seen":7000,"eras":[[0,0,0,1000]]}'), *marks, purge], 7)
    assert 3 == (await figures(idle))['atp_stock_generations{partition="2"}']
