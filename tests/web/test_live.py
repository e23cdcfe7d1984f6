"""The views of two live workers: right on either, true to their document, and never a guess."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import quote

import aiohttp
import hypothesis
import pytest
import schemathesis
from click.testing import CliRunner
from schemathesis.specs.openapi.checks import allow_header_conformance
from yarl import URL

from atp_stream.cli import main
from tests.system.site import Site, Worker
from tests.web.conftest import ODD_ITEM, ORDER
from tests.web.examples import OPENAPI, Example, examples, steady, unreachable

pytestmark = [pytest.mark.stack, pytest.mark.slow]
live = pytest.mark.asyncio(loop_scope="module")
EVERY_ITEM = ["prod987", ODD_ITEM, *(f"item-{number}" for number in range(12))]


async def ask(worker: Worker, path: str, body: Any = None) -> tuple[int, Any]:
    """Return the status and the JSON body of an answer."""
    method = "GET" if body is None else "POST"
    async with aiohttp.request(method, URL(worker.url + path, encoded=True), json=body) as answer:
        return answer.status, await answer.json(content_type=None)


async def figure(worker: Worker, name: str) -> float:
    """Return the sum of a metric's samples."""
    async with aiohttp.request("GET", worker.url + "/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.partition("{")[0].partition(" ")[0] == name)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.at + example.name)
@live
async def test_every_example_is_what_either_worker_answers(pair: Site, example: Example) -> None:
    answers = [await ask(worker, example.path, example.body) for worker in pair.workers]
    assert 2 * [(example.status, steady(example.value))] == [(status, steady(body)) for status, body in answers]


@live
async def test_either_worker_gives_the_owners_bytes(pair: Site) -> None:
    async def raw(worker: Worker, path: str) -> tuple[int, str, bytes]:
        async with aiohttp.request("GET", URL(worker.url + path, encoded=True)) as answer:
            return answer.status, answer.content_type, await answer.read()

    names = [quote(item, safe="") for item in EVERY_ITEM]
    paths = [path for name in names for path in (f"/atp/acme/{name}", f"/atp/acme/{name}/STORE")]
    one, two = pair.workers
    answers = [await raw(one, path) for path in paths]
    assert answers == [await raw(two, path) for path in paths]
    assert {200} == {status for status, _, _ in answers}
    assert b'"on_hand":1.50,' in answers[2][2]


@live
async def test_a_channel_answers_to_its_other_name(pair: Site) -> None:
    shown = {"channel": "ECOM", "available": 120, "reserved": 30, "waiting": 0}
    for worker in pair.workers:
        status, body = await ask(worker, "/atp/acme/prod987/Ecommerce")
        assert (200, shown) == (status, {key: body[key] for key in shown})


@live
async def test_the_policy_that_a_person_is_shown_is_the_one_that_was_ordered(pair: Site) -> None:
    for worker in pair.workers:
        done = await asyncio.to_thread(CliRunner().invoke, main, ["policy", "show", "--url", worker.url])
        names: dict[str, Any] = {name: {} for name in ("ECOM", "STORE", "B2B", "MARKETPLACE")}
        expected = {"tenants": {"*": {"channels": names, "aliases": {"Ecommerce": "ECOM"}}}}
        assert (0, expected) == (done.exit_code, json.loads(done.stdout))


@live
async def test_a_reservation_that_was_only_confirmed_is_pending(pair: Site) -> None:
    for worker in pair.workers:
        status, body = await ask(worker, "/reservations/acme/item-1/early")
        assert (200, "PENDING", True, None) == (status, body["status"], body["confirmed"], body["channel"])


@live
async def test_any_worker_lists_the_reservations_of_one_order_over_all_items(pair: Site) -> None:
    for worker in pair.workers:
        status, body = await ask(worker, f"/reservations/acme?reference={quote(ORDER, safe='')}")
        found = sorted((one["item"], one["reservation"], one["reference"]) for one in body["reservations"])
        wanted = [ODD_ITEM, "item-1", "item-2", "item-3", "item-4", "item-5"]
        assert (200, [(item, "r-ä/1", ORDER) for item in wanted], None) == (status, found, body["next"])


@live
@pytest.mark.parametrize("limit", [1, 2, 4, 6])
async def test_any_worker_lists_them_page_by_page_and_each_once(pair: Site, limit: int) -> None:
    path = f"/reservations/acme?reference={quote(ORDER, safe='')}"
    whole = (await ask(pair.workers[0], path))[1]["reservations"]
    for worker in pair.workers:
        pages = [(await ask(worker, f"{path}&limit={limit}"))[1]]
        while pages[-1]["next"] is not None:
            pages.append((await ask(worker, f"{path}&limit={limit}&after={quote(pages[-1]['next'], safe='')}"))[1])
        shown = [page["reservations"] for page in pages]
        assert [whole[start : start + limit] for start in range(0, len(whole), limit)] == shown


@live
async def test_what_is_listed_is_what_the_view_of_each_reservation_says(pair: Site) -> None:
    worker = pair.workers[0]
    _, body = await ask(worker, f"/reservations/acme?reference={quote(ORDER, safe='')}")
    views = [
        (await ask(worker, f"/reservations/acme/{quote(one['item'], safe='')}/{quote('r-ä/1', safe='')}"))[1]
        for one in body["reservations"]
    ]
    assert views == body["reservations"]


@live
async def test_an_order_of_another_tenant_and_the_beginning_of_a_reference_find_nothing(pair: Site) -> None:
    for path in (f"/reservations/other?reference={quote(ORDER, safe='')}", "/reservations/acme?reference=web%20order"):
        status, body = await ask(pair.workers[0], path)
        assert (200, []) == (status, body["reservations"])


@live
async def test_a_query_is_answered_in_its_order_as_each_view_would(pair: Site) -> None:
    wanted = [*EVERY_ITEM, "unknown", *reversed(EVERY_ITEM)]
    views = {item: await ask(pair.workers[0], f"/atp/acme/{quote(item, safe='')}") for item in wanted}
    for worker in pair.workers:
        status, body = await ask(worker, "/atp/acme/query", {"items": wanted})
        assert (200, wanted) == (status, [result["item"] for result in body["results"]])
        found = [(result["status"], result.get("answer", result.get("problem"))) for result in body["results"]]
        assert [views[item] for item in wanted] == found


@live
async def test_a_query_asks_another_owner_once(pair: Site) -> None:
    one, two = pair.workers
    before = await figure(two, "atp_http_requests_total")
    status, body = await ask(one, "/atp/acme/query", {"items": (40 * EVERY_ITEM)[:500]})
    assert (200, 500) == (status, len(body["results"]))
    assert 1 == await figure(two, "atp_http_requests_total") - before - 1  # the figures were asked for too


@live
async def test_figures_of_both_workers_add_up(pair: Site) -> None:
    async def both(name: str) -> list[float]:
        return [await figure(worker, name) for worker in pair.workers]

    assert 27 == sum(await both("atp_messages_total"))
    assert [3, 3] == await both("atp_partitions_owned")
    for name in ("atp_log_lag", "atp_source_lag", "atp_quarantined_items", "atp_time_held_seconds"):
        assert [0, 0] == await both(name)


@live
async def test_what_a_frozen_owner_has_is_503_in_bounded_time_and_the_rest_is_answered(pair: Site) -> None:
    one, two = pair.workers
    frozen, other = (one, two) if await owns(one, "prod987") else (two, one)
    theirs = [item for item in EVERY_ITEM if await owns(other, item)]
    frozen.signal(pair.STOP)
    began = time.monotonic()
    try:
        example = unreachable()
        single, query, listed = await asyncio.gather(
            ask(other, example.path),
            ask(other, "/atp/acme/query", {"items": ["prod987", *theirs]}),
            ask(other, "/reservations/acme?reference=web"),
        )
    finally:
        frozen.signal(pair.CONT)
    assert time.monotonic() - began < 4
    assert (503, example.value) == single
    assert 503 == listed[0]  # a list without what the frozen one has would be wrong
    assert [503, *[200] * len(theirs)] == [result["status"] for result in query[1]["results"]]
    await pair.ready()


async def owns(worker: Worker, item: str) -> bool:
    """Return whether a worker answers for an item without asking on."""
    url = URL(f"{worker.url}/atp/acme/{quote(item, safe='')}", encoded=True)
    async with aiohttp.request("GET", url, headers={"X-Atp-Forwarded": "1"}) as answer:
        return answer.status == 200


schema = schemathesis.openapi.from_path(OPENAPI).exclude(path="/events/{tenant}")  # it has no end


@schema.hook("filter_path_parameters")
@schema.hook("filter_query")
def short_in_bytes(_: Any, parameters: Any) -> bool:
    """Return whether names are as short as they must be: a schema can only count characters."""
    names = parameters.values() if isinstance(parameters, dict) else []
    return all(len(str(name).encode(errors="replace")) <= 255 for name in names)


@schema.hook("map_query")
def impatient(_: Any, query: Any) -> Any:
    """Wait a tenth of a second at most where a wait is in its range: fifty of ten seconds would be a test for ever."""
    wait = query.get("wait") if isinstance(query, dict) else None
    return query | {"wait": min(wait, 0.1)} if isinstance(wait, int | float) and wait <= 10 else query


@schema.parametrize()
@hypothesis.settings(max_examples=50, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
def test_whatever_is_asked_the_document_describes_the_answer(case: Any, pair: Site) -> None:
    one, two = pair.workers
    if "risk" in (case.query or {}) and {"prefix", "after"} & case.query.keys():
        return  # a list of risks has no place in the order of names, and a schema cannot say it
    answer = case.call_and_validate(
        base_url=one.url,
        excluded_checks=[allow_header_conformance],  # an item may be called `query`: its path has two documents
    )
    if case.path.startswith(("/atp", "/reservations", "/policy")):
        same = case.call(base_url=two.url)
        assert (answer.status_code, answer.content) == (same.status_code, same.content)
