"""The document says what is served: it is valid, its examples fit its schemas, and it names every view."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from atp_stream.domain.reservations.balances import Status
from atp_stream.engine.app import EngineApp
from atp_stream.messages.inbound import MAX_ID_BYTES
from atp_stream.web.health import WorkerState
from atp_stream.web.query import MAX_ITEMS
from tests.web.examples import OPENAPI, examples, request_example, unreachable

DOCUMENT: dict[str, Any] = yaml.safe_load(OPENAPI.read_text())
REGISTRY: Registry[Any] = Registry().with_resource("urn:openapi", DRAFT202012.create_resource(DOCUMENT))


def schemas(node: Any, at: str = "#") -> Iterator[tuple[str, Any]]:
    """Yield where each media type with a schema and examples stands, and that node."""
    if isinstance(node, dict):
        if "schema" in node and "examples" in node:
            yield at, node
        for key, value in node.items():
            yield from schemas(value, f"{at}/{key.replace('~', '~0').replace('/', '~1')}")


def test_the_document_is_valid() -> None:
    assert [] == [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()]


@pytest.mark.parametrize("at", [at for at, _ in schemas(DOCUMENT)])
def test_every_example_fits_its_schema(at: str) -> None:
    node = dict(schemas(DOCUMENT))[at]
    schema = {"$ref": f"urn:openapi{at}/schema"}
    validator = OAS31Validator(schema, registry=REGISTRY, format_checker=oas31_format_checker)
    for example in node["examples"].values():
        shown = DOCUMENT["components"]["examples"]["item"] if "$ref" in example else example
        assert [] == [error.message for error in validator.iter_errors(shown["value"])]


def test_every_view_is_in_the_document_and_every_view_in_the_document_is_served(app: EngineApp) -> None:
    router: Any = app.web
    served = {(route.method, route.resource.canonical) for route in router.web_app.router.routes()}
    documented = {
        (method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item if method != "parameters"
    }
    assert documented == {route for route in served if route[0] != "HEAD"}


def test_what_the_document_counts_is_what_the_code_counts() -> None:
    parts = DOCUMENT["components"]["schemas"]
    assert MAX_ID_BYTES == parts["Name"]["maxLength"]
    assert MAX_ITEMS == parts["Query"]["properties"]["items"]["maxItems"]
    assert [status.value for status in Status] == parts["Status"]["enum"]
    assert [state.value for state in WorkerState] == parts["State"]["enum"]


def references(node: Any) -> Iterator[str]:
    """Yield what is referred to anywhere in a part of the document."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from references(one)


def test_what_is_referred_to_has_a_name_of_its_own_for_generators_of_clients_know_no_other() -> None:
    assert [] == [at for at in references(DOCUMENT) if not re.fullmatch("#/components/[a-z]+/[A-Za-z]+", at)]


def test_every_operation_may_answer_with_a_fault_of_ours() -> None:
    operations = [one for path in DOCUMENT["paths"].values() for name, one in path.items() if name != "parameters"]
    assert [] == [one["operationId"] for one in operations if "500" not in one["responses"]]


def test_each_example_has_a_request_that_leads_to_it() -> None:
    shown = {(at, name) for at, node in schemas(DOCUMENT) for name in node["examples"]}
    requests = {at for at in shown if "/requestBody/" in at[0]}
    asked = [*examples(), unreachable()]
    assert shown - requests == {(example.at, example.name) for example in asked}
    assert [request_example()] == [example.body for example in asked if example.name == "two"]
