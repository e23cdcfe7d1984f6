"""The checkout of a worker that is asked for what it must not, or cannot, do."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from atp_stream.settings import SettingError, Settings
from atp_stream.web.checkout import PATHS
from tests.web.conftest import made

HOST = {"Host": "localhost"}
MESSAGE = {
    "reservationId": "r-1", "itemId": "prod1", "quantity": 1, "tenantId": "acme", "timestamp": "2026-01-01T00:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_it_is_off_unless_the_operator_turns_it_on(idle: TestClient, path: str) -> None:  # type: ignore[type-arg]
    answer = await idle.post(path, json=MESSAGE, headers=HOST)
    assert (403, "urn:atp:problem:checkout-off") == (answer.status, (await answer.json())["type"])


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/reservations", MESSAGE, 503, "moving"),
        ("/reservations?wait=11", MESSAGE, 400, "bad-query"),
        ("/reservations?wait=-1", MESSAGE, 400, "bad-query"),
        ("/reservations?wait=nan", MESSAGE, 400, "bad-query"),
        ("/reservations?wait=soon", MESSAGE, 400, "bad-query"),
        ("/reservations", {**MESSAGE, "timestamp": None}, 400, "bad-message"),
        ("/reservations", {**MESSAGE, "tenantId": None}, 400, "bad-message"),
        ("/reservations", {**MESSAGE, "eventType": "OrderShippedEvent"}, 400, "bad-message"),
        ("/reservations", {**MESSAGE, "reference": 40_000 * "x"}, 413, "body-too-large"),
        ("/releases", {**MESSAGE, "quantity": -1}, 400, "bad-message"),
    ],
)
async def test_a_worker_that_owns_nothing_appends_nothing_and_bad_messages_are_told_first(
    tmp_path: Path, path: str, body: Any, status: int, code: str
) -> None:
    server: Any = made(tmp_path, web_checkout=1).web
    server.init_server()
    async with TestClient(TestServer(server.web_app)) as client:
        answer = await client.post(path, json=body, headers=HOST)
        assert (status, f"urn:atp:problem:{code}") == (answer.status, (await answer.json())["type"])


def test_nobody_beyond_this_machine_reserves_without_saying_who_he_is() -> None:
    open_to_all = {"ATP_WEB_HOST": "0.0.0.0", "ATP_WEB_INSECURE": "1", "ATP_WEB_CHECKOUT": "1"}
    with pytest.raises(SettingError, match="ATP_WEB_CHECKOUT"):
        Settings.from_environment(open_to_all).check_worker()
    Settings.from_environment({"ATP_WEB_CHECKOUT": "1"}).check_worker()
