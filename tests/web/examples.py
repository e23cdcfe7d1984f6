"""The examples of the OpenAPI document, each with a request that leads to it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

OPENAPI = Path(__file__).parent.parent.parent / "schemas" / "openapi.yaml"
QUERY = "#/paths/~1atp~1{tenant}~1query/post"
_JSON = "content/application~1json"
_PROBLEM = "content/application~1problem+json"


class Example(NamedTuple):
    """What stands at `at` under `name`, and the request that it answers; `status` is that of the answer."""

    at: str
    name: str
    status: int
    path: str
    body: Any = None

    @property
    def value(self) -> Any:
        """The example itself."""
        node = resolve(f"{self.at}/examples/{self.name}")
        return resolve(node["$ref"])["value"] if "$ref" in node else node["value"]


def examples() -> list[Example]:
    """Return those that two workers, of which one owns `prod987`, answer with."""
    item = "#/paths/~1atp~1{tenant}~1{item}/get/responses"
    explain = "#/paths/~1atp~1{tenant}~1{item}~1explain/get/responses"
    projection = "#/paths/~1atp~1{tenant}~1{item}~1projection/get/responses"
    promise = "#/paths/~1atp~1{tenant}~1{item}~1promise/get/responses"
    supplies = "#/paths/~1atp~1{tenant}~1{item}~1supplies/get/responses"
    queue = "#/paths/~1atp~1{tenant}~1{item}~1queue/get/responses"
    listed = "#/paths/~1items~1{tenant}/get/responses"
    channel = "#/paths/~1atp~1{tenant}~1{item}~1{channel}/get/responses"
    reservation = "#/paths/~1reservations~1{tenant}~1{item}~1{reservation}/get/responses"
    found = "#/paths/~1reservations~1{tenant}/get/responses"
    of_item = "#/paths/~1reservations~1{tenant}~1{item}/get/responses"
    document = "#/paths/~1policy/get/responses"
    policy = "#/paths/~1policy~1{tenant}~1{item}/get/responses"
    two = {"items": ["prod987", "nobody-knows-me"]}
    responses = "#/components/responses"
    return [
        Example(f"{item}/200/{_JSON}", "reserved", 200, "/atp/acme/prod987"),
        Example(f"{explain}/200/{_JSON}", "reserved", 200, "/atp/acme/prod987/explain"),
        Example(f"{explain}/400/{_PROBLEM}", "limit", 400, "/atp/acme/prod987/explain?limit=0"),
        Example(f"{projection}/200/{_JSON}", "expected", 200, "/atp/acme/lamp/projection?days=6"),
        Example(f"{projection}/400/{_PROBLEM}", "days", 400, "/atp/acme/lamp/projection?days=0"),
        Example(f"{promise}/200/{_JSON}", "later", 200, "/atp/acme/lamp/promise?quantity=14&channel=ECOM"),
        Example(f"{promise}/200/{_JSON}", "never", 200, "/atp/acme/lamp/promise?quantity=99.5"),
        Example(f"{promise}/400/{_PROBLEM}", "missing", 400, "/atp/acme/lamp/promise"),
        Example(f"{supplies}/200/{_JSON}", "expected", 200, "/atp/acme/lamp/supplies"),
        Example(f"{queue}/200/{_JSON}", "nobody", 200, "/atp/acme/prod987/queue"),
        Example(f"{listed}/200/{_JSON}", "none", 200, "/items/acme?prefix=nobody-knows-me"),
        Example(f"{listed}/400/{_PROBLEM}", "risk", 400, "/items/acme?risk=none"),
        Example(f"#/paths/~1caller/get/responses/200/{_JSON}", "everybody", 200, "/caller"),
        Example(f"{channel}/200/{_JSON}", "reserved", 200, "/atp/acme/prod987/ECOM"),
        Example(f"{channel}/404/{_PROBLEM}", "channel", 404, "/atp/acme/prod987/NOPE"),
        Example(f"{reservation}/200/{_JSON}", "committed", 200, "/reservations/acme/prod987/r-1"),
        Example(f"{reservation}/404/{_PROBLEM}", "reservation", 404, "/reservations/acme/prod987/r-2"),
        Example(f"{found}/200/{_JSON}", "nobody", 200, "/reservations/acme?reference=nobody's%20order"),
        Example(f"{found}/400/{_PROBLEM}", "missing", 400, "/reservations/acme"),
        Example(f"{of_item}/200/{_JSON}", "none", 200, "/reservations/acme/prod987?status=EXPIRED"),
        Example(f"{of_item}/400/{_PROBLEM}", "status", 400, "/reservations/acme/prod987?status=OPEN"),
        Example(f"{document}/200/{_JSON}", "pooled", 200, "/policy"),
        Example(f"{policy}/200/{_JSON}", "pooled", 200, "/policy/acme/prod987"),
        Example(f"{QUERY}/responses/200/{_JSON}", "two", 200, "/atp/acme/query", two),
        Example(f"{QUERY}/responses/400/{_PROBLEM}", "empty", 400, "/atp/acme/query", {"items": ["prod987", ""]}),
        Example(f"#/paths/~1/get/responses/200/{_JSON}", "all", 200, "/"),
        Example(f"#/paths/~1health~1live/get/responses/200/{_JSON}", "serving", 200, "/health/live"),
        Example(f"#/paths/~1health~1ready/get/responses/200/{_JSON}", "one of two workers", 200, "/health/ready"),
        Example(f"{responses}/BadName/{_PROBLEM}", "control", 400, "/atp/acme/%00"),
        Example(f"{responses}/UnknownItem/{_PROBLEM}", "unknown", 404, "/atp/acme/nobody-knows-me"),
    ]


def unreachable() -> Example:
    """Return the one that comes while the owner of `prod987` is frozen."""
    return Example(f"#/components/responses/Unavailable/{_PROBLEM}", "unreachable", 503, "/atp/acme/prod987")


def request_example() -> Any:
    """Return the request of the query's example."""
    return resolve(f"{QUERY}/requestBody/{_JSON}/examples/two/value")


def resolve(pointer: str) -> Any:
    """Return what stands at a place of the document."""
    node: Any = yaml.safe_load(OPENAPI.read_text())
    for part in pointer.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def steady(value: Any) -> Any:
    """Return an answer without what is different each time: moments, days, places in the log, and who owns what."""
    if isinstance(value, dict):
        return {key: len(one) if key == "partitions" else steady(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [steady(one) for one in value]
    if isinstance(value, str):
        value = re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$", "<moment>", value)
        value = re.sub(r"^\d{4}-\d\d-\d\d$", "<day>", value)
        value = re.sub(r"^[\w.-]+/\d+/\d+$", "<place>", value)
        return re.sub(r"^alloc-[0-9a-f]{16}-\d-\d+-\d+$", "<allocation>", value)
    return value
