"""The schema registry's HTTP interface: the few questions that we ask, and answers held to what they may be.

The only module that imports schema_registry. An id is *definitely* unknown only when a registry says so with its own
error code: any other 404 comes from something in between, and what is behind it may know better. Whatever else is
answered is `RegistryUnavailable`.
"""

import json
import time
from typing import Any, Final, NamedTuple

import httpx
from schema_registry.client import SchemaRegistryClient

from atp_stream.access import RegistryAccess
from atp_stream.access.trouble import tls_trouble
from atp_stream.messages import schema_files
from atp_stream.messages.errors import RegistryUnavailable
from atp_stream.messages.limits import MAX_ANSWER_BYTES, MAX_REFERENCES
from atp_stream.messages.registered import Composed, Language

_NOT_FOUND: Final = frozenset({40401, 40402, 40403})  # of a subject, a version, a schema: the API's error codes
_NO_SUCH_PATH: Final = frozenset({httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED})
_NO_ENTRANCE: Final = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})
_WRONG_PATH: Final = "does ATP_REGISTRY_URL end with its path, as in http://127.0.0.1:8081/apis/ccompat/v7?"


class Conflict(RegistryUnavailable):
    """The registry already holds something else in this place."""


class Found(NamedTuple):
    """A schema and its id."""

    schema_id: int
    schema: Any


class _Reference(NamedTuple):
    subject: str
    version: int


class _Content(NamedTuple):
    language: str
    text: str
    references: list[_Reference]


class RegistryClient:
    """The few questions that we ask, with answers that tell `not there` from `nobody there`."""

    def __init__(self, access: RegistryAccess, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._access = access
        try:
            self._client = SchemaRegistryClient(access.url)
        except AssertionError as error:  # the client's way to refuse an address
            raise RegistryUnavailable(f"{access.url!r} is no address of a schema registry") from error
        # Its own requests open a connection each, TLS context and all.
        self._http = access.client(timeout_s)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def schema(self, schema_id: int) -> Found | None:
        """Return the schema of an id, None if there is definitely none."""
        answer = self._ask("get_by_id", schema_id=str(schema_id))
        return None if answer is None else self._found(answer, schema_id)

    def versions(self, subject: str) -> list[int]:
        """Return the versions of a subject; none if there is no such subject."""
        answer = self._ask("get_versions", subject=subject) or []
        if not isinstance(answer, list):
            raise self._no_registry(answer)
        return answer

    def version(self, subject: str, version: int | str) -> Found | None:
        """Return a version of a subject, None if there is none."""
        answer = self._ask("get_schema", subject=subject, version=version)
        return None if answer is None else self._found(answer)

    def add(self, subject: str, schema: Any) -> int:
        """Register a schema and return its id."""
        answer: dict[str, int] = self._ask("register", {"schema": schema_files.text(schema)}, subject=subject)
        return answer["id"]

    def restrict(self, subject: str, compatibility: str) -> None:
        """Set what the next versions of a subject must be compatible with."""
        self._ask("update_compatibility", {"compatibility": compatibility}, subject=subject)

    def _ask(self, question: str, body: Any = None, **names: Any) -> Any:
        url, method = self._client.url_manager.url_for(question, **names)
        try:
            headers = self._client.prepare_headers(body=body)
            with self._http.stream(method, url, headers=headers, json=body) as response:
                text = self._read(response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            answer = None
        if response.is_success and answer is not None:
            return answer
        code = answer.get("error_code") if isinstance(answer, dict) else None
        if isinstance(code, int) and code in _NOT_FOUND:
            return None
        if response.status_code in _NO_ENTRANCE:
            raise RegistryUnavailable(
                f"the schema registry at {self._access.url} does not let us in ({response.status_code}): correct"
                " ATP_REGISTRY_USERNAME and ATP_REGISTRY_PASSWORD, or ATP_REGISTRY_TOKEN_FILE"
            )
        refusal = Conflict if response.status_code == httpx.codes.CONFLICT else RegistryUnavailable
        wrong_path = answer is None or response.status_code in _NO_SUCH_PATH
        raise refusal(
            f"the schema registry at {self._access.url} says {response.status_code} to {method} {url}:"
            f" {_WRONG_PATH if wrong_path else f'{answer!r:.200}'}"
        )

    def _unreachable(self, error: Exception) -> RegistryUnavailable:
        tls = tls_trouble(error, "ATP_REGISTRY_SSL")
        if tls:
            return RegistryUnavailable(f"the schema registry at {self._access.url} cannot be used: {tls}")
        why = str(error)[:200] or "it took too long"
        return RegistryUnavailable(
            f"no schema registry answers at {self._access.url}: {why}; start it, or correct ATP_REGISTRY_URL"
        )

    def _read(self, response: httpx.Response) -> bytes:
        """Return the body, as long as it is of a size and of a pace that a registry's can be."""
        deadline = time.monotonic() + self._timeout_s
        text = bytearray()
        for part in response.iter_bytes():
            text += part
            if len(text) > MAX_ANSWER_BYTES:
                raise httpx.DecodingError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout(f"an answer that takes longer than {self._timeout_s} s")
        return bytes(text)

    def _found(self, answer: Any, schema_id: int | None = None) -> Found:
        content = self._content(answer)
        number = answer.get("id") if schema_id is None else schema_id
        if not isinstance(number, int):
            raise self._no_registry(answer)
        if content.language != "AVRO":
            return Found(number, Language(f"{content.language:.40}"))
        schema = schema_files.parsed(content.text)
        if not content.references:
            return Found(number, schema)
        definitions: dict[_Reference, Any] = {}
        self._define(content.references, definitions)
        return Found(number, Composed(schema, tuple(one for one in definitions.values() if one is not None)))

    def _define(self, references: list[_Reference], definitions: dict[_Reference, Any]) -> None:
        """Add the schemas that are referred to, each behind those that it refers to itself; missing ones stay out."""
        for reference in references:
            if reference in definitions or len(definitions) >= MAX_REFERENCES:
                continue  # a name without a definition is refused by the parser
            definitions[reference] = None  # so that a circle ends
            answer = self._ask("get_schema", subject=reference.subject, version=reference.version)
            if answer is not None:
                content = self._content(answer)
                self._define(content.references, definitions)
                del definitions[reference]
                definitions[reference] = schema_files.parsed(content.text)

    def _content(self, answer: Any) -> _Content:
        try:
            language, text = answer.get("schemaType") or "AVRO", answer["schema"]
            references = [
                _Reference(str(one["subject"]), int(one["version"])) for one in answer.get("references") or ()
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._no_registry(answer) from error
        if not isinstance(text, str) or not isinstance(language, str):
            raise self._no_registry(answer)
        return _Content(language, text, references)

    def _no_registry(self, answer: object) -> RegistryUnavailable:
        return RegistryUnavailable(f"what answers at {self._access.url} is no schema registry: {answer!r:.100}")
