"""What a worker's web server says while it owns nothing yet: no default, no guess, and every error is a problem."""

from io import BytesIO
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient
from yarl import URL

Client = TestClient[Any, Any]


async def ask(client: Client, path: str, method: str = "GET", body: bytes | BytesIO | None = None) -> tuple[int, str]:
    """Return the status, and the code of the problem."""
    async with client.request(method, URL(path, encoded=True), data=body) as answer:
        assert answer.content_type == "application/problem+json"
        problem = await answer.json()
    assert {"type", "title", "status", "detail"} == problem.keys()
    assert answer.status == problem["status"]
    return answer.status, problem["type"].removeprefix("urn:atp:problem:")


@pytest.mark.parametrize(
    "path",
    [
        "/atp/acme/lamp",
        "/atp/acme/lamp/ECOM",
        "/atp/acme/lamp/explain?date=2026-12-10",
        "/atp/acme/lamp/projection?channel=ECOM&from=2026-12-10&days=367",
        "/atp/acme/lamp/promise?quantity=1.5&channel=ECOM&date=2026-12-10&partial=true&priority=-1",
        "/atp/acme/lamp/supplies?after=po-1&limit=1",
        "/reservations/acme/lamp/r-1",
        "/reservations/acme/lamp?status=COMMITTED&after=r-1&limit=200",
        "/reservations/acme?reference=order-1",
        "/atp/acme/query",
        "/policy",
        "/policy/acme/lamp",
    ],
)
async def test_who_owns_nothing_and_knows_nobody_says_when_to_ask_again(idle: Client, path: str) -> None:
    async with idle.get(path) as answer:
        assert (503, "1") == (answer.status, answer.headers["Retry-After"])
    assert (503, "moving") == await ask(idle, path)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?reference=a&items=b",
        "?reference=a&partition=6",
        "?reference=a&partition=-1",
        "?reference=a&partition=%C2%B2",
        "?reference=a&limit=0",
        "?reference=a&limit=501",
        "?reference=a&limit=%C2%B2",
        "?reference=a&after=lamp",
        "?reference=a&after=lamp|r|1",
        "?reference=a&after=lamp|%25",
        "?reference=a&after=",
    ],
)
async def test_a_look_up_says_which_reference_partition_and_page_there_is(idle: Client, query: str) -> None:
    assert (400, "bad-query") == await ask(idle, f"/reservations/acme{query}")


@pytest.mark.parametrize(
    "view",
    [
        "explain?date=",
        "explain?date=tomorrow",
        "explain?date=2026-02-30",
        "projection?from=1764547200000",
        "projection?days=0",
        "projection?days=368",
        "projection?day=3",
        "promise",
        "promise?quantity=0",
        "promise?quantity=-1",
        "promise?quantity=0.001",
        "promise?quantity=many",
        "promise?quantity=1&partial=yes",
        "promise?quantity=1&priority=high",
        "promise?quantity=1&priority=2147483648",
        "promise?quantity=1&date=10.12.2026",
        "supplies?limit=501",
        "supplies?open=true",
    ],
)
async def test_a_view_by_date_says_which_parameters_there_are(idle: Client, view: str) -> None:
    assert (400, "bad-query") == await ask(idle, f"/atp/acme/lamp/{view}")


@pytest.mark.parametrize(
    "query", ["status=OPEN", "status=committed", "status=", "limit=201", "limit=0", "state=PENDING"]
)
async def test_a_list_of_an_items_reservations_says_which_parameters_there_are(idle: Client, query: str) -> None:
    assert (400, "bad-query") == await ask(idle, f"/reservations/acme/lamp?{query}")


@pytest.mark.parametrize("after", ["lamp|", "|r", "lamp|%2525%00", "lamp|" + 256 * "a"])
async def test_a_page_behind_what_no_message_could_state_is_refused(idle: Client, after: str) -> None:
    assert (400, "bad-name") == await ask(idle, f"/reservations/acme?reference=a&after={after}")


@pytest.mark.parametrize("reference", ["", "%00", 256 * "a"])
async def test_a_reference_that_no_message_could_state_is_refused(idle: Client, reference: str) -> None:
    assert (400, "bad-name") == await ask(idle, f"/reservations/acme?reference={reference}")


@pytest.mark.parametrize(
    "name",
    [
        "%00",
        "a%0Ab",
        "a%C2%85b",
        "%FF",
        "a%C3",
        "%ED%A0%80",
        256 * "a",
        85 * "%E2%82%AC" + "a",
    ],
)
async def test_what_no_message_could_state_is_refused_wherever_it_stands(idle: Client, name: str) -> None:
    paths = [f"/atp/{name}/a", f"/atp/a/{name}", f"/atp/a/b/{name}", f"/reservations/{name}/a/b"]
    paths += [f"/reservations/a/{name}/b", f"/reservations/a/b/{name}"]
    assert len(paths) * [(400, "bad-name")] == [await ask(idle, path) for path in paths]


@pytest.mark.parametrize(
    "name", ["a", "a%2Fb", "%7B%7D", "100%25", "%E2%82%AC", 255 * "a", 85 * "%E2%82%AC", "%7C", "%20"]
)
async def test_what_a_message_could_state_is_looked_up(idle: Client, name: str) -> None:
    paths = [f"/atp/{name}/{name}", f"/atp/a/b/{name}", f"/reservations/a/b/{name}"]
    assert len(paths) * [(503, "moving")] == [await ask(idle, path) for path in paths]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad-body"),
        (b"{", "bad-body"),
        (b"[]", "bad-body"),
        (b"{}", "bad-body"),
        (b'{"items": "a"}', "bad-body"),
        (b'{"items": [1]}', "bad-body"),
        (b'{"items": [null]}', "bad-body"),
        (b'{"items": [], "tenant": "a"}', "bad-body"),
        (b'{"items": ["\xff"]}', "bad-body"),
        (b'{"items": ["\\ud800"]}', "bad-body"),
        (b"[" * 100_000, "bad-body"),
        (b'{"items": [""]}', "bad-name"),
        (b'{"items": ["a", "b\\u0000"]}', "bad-name"),
        (msgspec.json.encode({"items": [256 * "a"]}), "bad-name"),
        (msgspec.json.encode({"items": 501 * ["a"]}), "too-many-items"),
    ],
)
async def test_a_body_that_breaks_the_contract_is_refused(idle: Client, body: bytes, code: str) -> None:
    assert (400, code) == await ask(idle, "/atp/acme/query", "POST", body)


async def test_a_query_by_a_tenant_without_a_name_is_refused(idle: Client) -> None:
    assert (400, "bad-name") == await ask(idle, "/atp/%00/query", "POST", b'{"items": []}')


async def test_a_body_beyond_a_mebibyte_is_not_read(idle: Client) -> None:
    body = BytesIO(msgspec.json.encode({"items": 5_000 * [250 * "a"]}))  # aiohttp warns of so many plain bytes
    assert (413, "body-too-large") == await ask(idle, "/atp/acme/query", "POST", body)


async def test_a_query_of_what_nobody_owns_has_a_problem_for_each_item(idle: Client) -> None:
    async with idle.post("/atp/acme/query", data=b'{"items": ["a", "b", "a"]}') as answer:
        results = (await answer.json())["results"]
    assert 200 == answer.status
    found = [(result["item"], result["status"], result["problem"]["type"]) for result in results]
    assert [(item, 503, "urn:atp:problem:moving") for item in "aba"] == found


async def test_a_query_of_nothing_answers_nothing(idle: Client) -> None:
    async with idle.post("/atp/acme/query", data=b'{"items": []}') as answer:
        assert (200, {"results": []}) == (answer.status, await answer.json())


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/atp/acme/lamp", {"GET", "HEAD"}),
        ("POST", "/atp/acme/lamp", {"GET", "HEAD"}),
        ("DELETE", "/reservations/acme/lamp/r-1", {"GET", "HEAD"}),
        ("POST", "/health/live", {"GET", "HEAD"}),
        ("POST", "/metrics", {"GET", "HEAD"}),
        ("PUT", "/atp/acme/query", {"GET", "HEAD", "POST"}),
    ],
)
async def test_another_method_is_told_which_ones_there_are(
    idle: Client, method: str, path: str, allowed: set[str]
) -> None:
    assert (405, "method-not-allowed") == await ask(idle, path, method)
    async with idle.request(method, path) as answer:
        assert allowed == set(answer.headers["Allow"].split(","))


@pytest.mark.parametrize("path", ["/nope", "/atp", "/atp/acme", "/atp/acme/", "/atp/a/b/c/d", "/health"])
async def test_a_path_that_is_not_there_is_a_problem_too(idle: Client, path: str) -> None:
    assert (404, "not-found") == await ask(idle, path)


@pytest.mark.parametrize("path", ["/table", "/table/", "/router", "/router/", "/graph", "/graph/", "/stats"])
async def test_views_of_faust_that_would_show_everything_are_off(idle: Client, path: str) -> None:
    assert (404, "not-found") == await ask(idle, path)


async def test_the_index_names_every_view_and_is_not_fausts(idle: Client) -> None:
    async with idle.get("/") as answer:
        body = await answer.json()
    assert "atp_stream" == body["name"]
    assert "GET /atp/{tenant}/{item}" in body["views"]


async def test_nothing_of_an_answer_may_be_kept_on_the_way(idle: Client) -> None:
    for path in ("/atp/acme/lamp", "/health/live", "/nope"):
        async with idle.get(path) as answer:
            assert "no-store" == answer.headers["Cache-Control"]


async def test_a_worker_that_restores_its_state_runs_but_is_not_ready(idle: Client) -> None:
    async with idle.get("/health/live") as answer:
        assert (200, {"live": True, "state": "recovering"}) == (answer.status, await answer.json())
    async with idle.get("/health/ready") as answer:
        body = await answer.json()
    assert (503, False, []) == (answer.status, body["ready"], body["partitions"])
    assert ["running", "assigned", "recovered", "heartbeat"] == list(body["checks"])
    assert "state is being restored: 0 records are left" == body["checks"]["recovered"]


async def test_a_worker_that_gave_up_says_why_and_is_not_live(idle: Client, app: Any) -> None:
    app.gave_up = "a step failed"
    async with idle.get("/health/live") as answer:
        assert (503, {"live": False, "state": "leaving"}) == (answer.status, await answer.json())
    async with idle.get("/health/ready") as answer:
        assert "giving up: a step failed" == (await answer.json())["checks"]["running"]
    assert (503, "moving") == await ask(idle, "/atp/acme/lamp")


@pytest.mark.parametrize(
    ("method", "path", "body", "detail"),
    [
        ("GET", "/nothing", None, "nothing is served at /nothing; `GET /` lists what is"),
        ("PUT", "/health/live", None, "/health/live does not answer PUT, but GET, HEAD"),
        ("POST", "/atp/acme/query", BytesIO(bytes(1_048_577)), "the body has more than 1048576 bytes"),
    ],
)
async def test_a_problem_of_the_web_server_says_what_is_there_or_allowed(
    idle: Client, method: str, path: str, body: BytesIO | None, detail: str
) -> None:
    async with idle.request(method, path, data=body) as answer:
        assert detail == (await answer.json())["detail"]


async def test_an_input_that_is_missing_is_a_warning_of_a_worker_that_is_ready_all_the_same(
    idle: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atp_stream.web.health.checks", lambda _: {"running": None})
    monkeypatch.setattr("atp_stream.engine.lag.sources_missing", lambda _, names: names[:1])
    async with idle.get("/health/ready") as answer:
        body = await answer.json()
    detail = (
        "the input topic inventory.adjusted does not exist: nothing is read from it, and no time limit ends;"
        " run `atp init`"
    )
    assert (200, True, [detail]) == (answer.status, body["ready"], body["warnings"])
    async with idle.get("/metrics") as answer:
        assert "atp_sources_missing 1.0" in await answer.text()
