"""A worker's web server without a worker behind it, and two live workers that know what the examples tell of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from atp_stream.access import RegistryAccess
from atp_stream.app import create_app
from atp_stream.devstack import Stack
from atp_stream.devstack.ports import free_port
from atp_stream.engine.app import EngineApp
from atp_stream.messages.registry import SchemaCache
from atp_stream.settings import Settings, Wire
from tests.conftest import settings_on
from tests.system.site import Site
from tests.web.browser import chromium

CHANNELS = ("ECOM", "STORE", "B2B", "MARKETPLACE")
ORDER = "web order 47/11 & 1%"
ODD_ITEM = "a/b {%}é|"


def made(directory: Path, **chosen: Any) -> EngineApp:
    """Return a worker's app that was never started: it owns nothing and knows nobody."""
    settings = replace(Settings(), **{"wire": Wire.JSON, "data_dir": directory, "web_port": free_port(), **chosen})
    return create_app(settings, genesis="0011223344556677", schemas=SchemaCache(RegistryAccess.of(settings)))


@asynccontextmanager
async def listening(app: EngineApp) -> AsyncIterator[int]:
    """Let an app's web server listen as Faust would let it, and give its port."""
    server: Any = app.web
    server.init_server()
    await server.start_server()
    yield app.conf.web_port
    await server._runner.cleanup()


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    """Give a browser, or skip the test where there is none."""
    async with chromium() as made:
        yield made


@pytest.fixture
def app(tmp_path: Path) -> EngineApp:
    """Give such an app with the settings that hold when nothing is set."""
    return made(tmp_path)


@pytest.fixture
async def idle(app: EngineApp) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    """Give a client of that app's web server."""
    server: Any = app.web
    server.init_server()  # as a worker does: Faust adds views of its own
    async with TestClient(TestServer(server.web_app)) as client:
        yield client


async def _expect_lamps(site: Site) -> None:
    """Let 17 lamps be there, 10 be expected in two days and 3 in five, and 15 be promised for the third day."""
    today = datetime.now(UTC).date()
    days = [(today + timedelta(days=ahead)).isoformat() for ahead in (2, 3, 5)]
    await site.send(site.topics.counted.name, {"itemId": "lamp", "onHand": 17})
    supply = {"supplyId": "po-1", "itemId": "lamp", "quantity": 10, "expectedDate": days[0], "kind": "PURCHASE"}
    await site.send(site.topics.supply_scheduled.name, supply)
    await site.drained()
    order = {"reservationId": "o-1", "itemId": "lamp", "quantity": 15, "channel": "ECOM", "requestedDate": days[1]}
    await site.send(site.topics.created.name, order)
    await site.drained()
    await site.send(
        site.topics.supply_scheduled.name,
        {"supplyId": "po-2", "itemId": "lamp", "quantity": 3, "expectedDate": days[2]},
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Give two live workers: of prod987 there are 150, 30 of them reserved in ECOM as r-1; lamps are expected."""
    directory = tmp_path_factory.mktemp("pair")
    site = Site(replace(settings_on(stack, directory), default_tenant="acme", session_timeout=6.0), directory)
    await site.open()
    site.add_worker()
    site.add_worker()
    await site.ready()
    policy = {"tenants": {"*": {"channels": {name: {} for name in CHANNELS}, "aliases": {"Ecommerce": "ECOM"}}}}
    await site.send(site.topics.policy.name, {"action": "SET", "policy": policy})
    await site.drained()
    await site.send(
        site.topics.adjusted.name,
        {"event_id": "abc123", "product_id": "prod987", "adjusted_quantity": 10, "new_quantity": 150},
    )
    await site.send(site.topics.counted.name, {"itemId": ODD_ITEM, "onHand": 1.5})
    for number in range(12):
        await site.send(site.topics.counted.name, {"itemId": f"item-{number}", "onHand": number})
    await site.drained()
    await site.send(
        site.topics.created.name, {"reservationId": "r-1", "itemId": "prod987", "quantity": 30, "channel": "ECOM"}
    )
    for item in ("item-1", "item-2", "item-3", "item-4", "item-5", ODD_ITEM):
        said = {"reservationId": "r-ä/1", "itemId": item, "quantity": 1, "reference": ORDER}
        await site.send(site.topics.created.name, said)
    await site.send(site.topics.confirmed.name, {"reservationId": "early", "itemId": "item-1"})
    await _expect_lamps(site)
    await site.drained()
    await site.rest()
    yield site
    await site.close()
