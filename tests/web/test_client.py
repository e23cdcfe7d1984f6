"""A client that was generated from schemas/openapi.yaml works: it has every operation, and reads what is answered."""

import importlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.domain.support.log import count, policy, reserve
from tests.web.examples import OPENAPI
from tests.web.folded import FoldedWorker

pytestmark = pytest.mark.slow

NAME = "generated_client"
SETTINGS = {
    "post_hooks": [],  # it would be formatted
    "content_type_overrides": {"application/yaml": "text/plain"},  # the document itself is text to the generator
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give the package that was generated, and what imports its modules."""
    directory = tmp_path_factory.mktemp("client")
    settings = directory / "settings.yaml"
    settings.write_text(yaml.safe_dump(SETTINGS))
    words: list[str | Path] = ["generate", "--path", OPENAPI, "--meta", "none", "--config", settings]
    words += ["--fail-on-warning"]
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *words, "--output-path", directory / NAME],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stdout + done.stderr
    sys.path.insert(0, str(directory))
    yield lambda module: importlib.import_module(f"{NAME}{module}")
    sys.path.remove(str(directory))


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[FoldedWorker]:
    made = FoldedWorker(tmp_path)
    made.change_policy(policy({"tenants": {"*": {"channels": {"ECOM": {}, "STORE": {}}}}}))
    made.say("a/b", count(1_050), reserve("r-1", 300), reserve("r-2", 2_000, "STORE"))
    async with made.serving():
        yield made


async def test_it_has_every_operation_of_the_document(client: Any) -> None:
    document = yaml.safe_load(OPENAPI.read_text())
    operations = [one for path in document["paths"].values() for one in path.values() if isinstance(one, dict)]
    for one in operations:
        module = "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in one["operationId"])
        assert client(f".api.{one['tags'][0]}.{module}").asyncio_detailed


async def test_it_reads_an_item_its_reservations_and_what_is_at_risk(client: Any, worker: FoldedWorker) -> None:
    models = client(".models")
    async with client(".client").Client(base_url=worker.url) as session:
        item = await client(".api.availability.get_item").asyncio("acme", "a/b", client=session)
        assert (models.Item, 10.5, 3.0) == (type(item), item.on_hand, item.reserved)
        waiting = await client(".api.reservations.get_reservations_of_item").asyncio(
            "acme", "a/b", client=session, status=models.Status.BACKORDERED
        )
        assert [("r-2", 20)] == [(one.reservation, one.waiting) for one in waiting.reservations]
        risky = await client(".api.availability.list_items").asyncio(
            "acme", client=session, risk=models.ListItemsRisk.WAITING
        )
        assert ["a/b"] == [one.item for one in risky.items]
        problem = await client(".api.availability.get_item").asyncio("acme", "nobody-knows-me", client=session)
        assert (models.Problem, "urn:atp:problem:unknown-item") == (type(problem), problem.type_)


async def test_its_numbers_are_those_of_the_answer(client: Any, worker: FoldedWorker) -> None:
    async with client(".client").Client(base_url=worker.url) as session:
        answer = await client(".api.availability.get_item").asyncio_detailed("acme", "a/b", client=session)
    assert b'"on_hand":10.50' in answer.content
    assert Decimal("10.5") == Decimal(str(answer.parsed.on_hand))
