"""The schema registry: ids and schemas cached at start, fetched off the loop when a new one turns up.

The only module that imports schema_registry. Workers look up and never register; `atp init` registers and never
changes. An id is *definitely* unknown only when a registry says so with its own error code: any other 404 comes
from something in between, and what is behind it may know better.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from enum import StrEnum
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx
from schema_registry.client import SchemaRegistryClient

from atp_stream.domain.errors import Refused
from atp_stream.messages import contract
from atp_stream.messages.errors import RegistryUnavailable, SchemaMissing, SchemaUnknown
from atp_stream.messages.outbound import EVENTS, Role
from atp_stream.messages.reasons import Reason

__all__ = [
    "Outcome",
    "Registration",
    "RegistryUnavailable",
    "SchemaCache",
    "SchemaMissing",
    "SchemaUnknown",
    "register",
]

_log = logging.getLogger(__name__)
TIMEOUT: Final = 5.0  # seconds for one answer
_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 5.0
_NOT_FOUND: Final = {40401: "subject", 40402: "version", 40403: "schema"}  # the API's error codes
_NO_SUCH_PATH: Final = frozenset({httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED})
_WRONG_PATH: Final = "does ATP_REGISTRY_URL end with its path, as in http://127.0.0.1:8081/apis/ccompat/v7?"
_MISSING_SECONDS: Final = 60.0  # then an unknown id is asked for again: it may have been registered since
_MISSING_IDS: Final = 10_000
_HIGHEST_ID: Final = (
    2**31 - 1
)  # registries count in signed ints, and answer a larger id with an error about the address


class Outcome(StrEnum):
    """What became of a subject at `atp init`."""

    CREATED = "created"
    PRESENT = "present"
    DIFFERS = "differs"


class Registration(NamedTuple):
    """A subject, the id of the schema that holds there, and how it differs from ours if it does."""

    subject: str
    outcome: Outcome
    schema_id: int
    detail: str = ""


class SchemaCache:
    """Schemas by id; `output_ids` are those of the events that we write, once it is warm."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        self._registry = _Registry(url, timeout)
        self._schemas: dict[int, Any] = {}
        self._missing: dict[int, float] = {}  # until when an id counts as unknown, by the monotonic clock
        self.output_ids: dict[Role, int] = {}

    def __len__(self) -> int:
        """Return the number of schemas that are cached."""
        return len(self._schemas)

    def lookup(self, schema_id: int) -> Any:
        """Return the schema as parsed JSON; None if it is of another language than Avro.

        Raises:
            SchemaUnknown: it is not cached; `fetch` it.
            Refused: `unknown_schema`: the registry has none of this id.
        """
        try:
            return self._schemas[schema_id]
        except KeyError:
            if schema_id > _HIGHEST_ID or self._missing.get(schema_id, 0.0) > time.monotonic():
                raise Refused(Reason.UNKNOWN_SCHEMA, f"the registry has no schema {schema_id}") from None
            raise SchemaUnknown(schema_id) from None

    async def warm(self, subjects: Iterable[str]) -> None:
        """Load every version of these subjects, and find the ids of our output schemas among them.

        Raises:
            RegistryUnavailable: no registry answers there.
        """
        await asyncio.to_thread(self._warm, list(subjects))

    async def fetch(self, schema_id: int) -> None:
        """Ask the registry until it answers, however long that takes; then `lookup` knows."""
        delay = _FIRST_DELAY
        while True:
            try:
                found = await asyncio.to_thread(self._registry.schema, schema_id)
            except RegistryUnavailable as error:
                _log.warning("schema %s waits for the registry: %s", schema_id, error)
                await asyncio.sleep(delay)
                delay = min(2 * delay, _LONGEST_DELAY)
            else:
                self._remember(schema_id, found)
                return

    def close(self) -> None:
        """Close the connections to the registry; what is cached stays."""
        self._registry.close()

    def _remember(self, schema_id: int, found: "_Found | None") -> None:
        if found is not None:
            self._schemas[schema_id] = found.schema
            return
        if len(self._missing) >= _MISSING_IDS:  # made-up ids must not fill the memory
            self._missing.clear()
        self._missing[schema_id] = time.monotonic() + _MISSING_SECONDS

    def _warm(self, subjects: list[str]) -> None:
        ours = {role: contract.schema(event) for role, event in EVENTS.items()}
        for subject in subjects:
            for version in self._registry.versions(subject):
                found = self._registry.version(subject, version)
                if found is None:
                    continue  # deleted since it was listed
                self._schemas[found.schema_id] = found.schema
                self.output_ids |= {role: found.schema_id for role, schema in ours.items() if schema == found.schema}


def register(
    url: str, schemas: Mapping[str, Any], compatibility: str = "BACKWARD", *, timeout: float = TIMEOUT
) -> list[Registration]:
    """Register each subject's schema where the subject is new; report where its newest schema is not ours.

    A subject that exists is never changed, nor its compatibility level. Blocking: not for the event loop.

    Raises:
        RegistryUnavailable: no registry answers there, or it refuses.
    """
    with closing(_Registry(url, timeout)) as registry:
        return [_register(registry, subject, schema, compatibility) for subject, schema in schemas.items()]


def _register(registry: "_Registry", subject: str, schema: Any, compatibility: str) -> Registration:
    newest = registry.version(subject, "latest")
    if newest is None:
        try:
            schema_id = registry.add(subject, schema)
        except _Conflict:  # somebody else is registering it in this moment
            newest = registry.version(subject, "latest")
            if newest is None:
                raise
        else:
            with suppress(_Conflict):  # the other one of two runs has just done it
                registry.restrict(subject, compatibility)
            return Registration(subject, Outcome.CREATED, schema_id)
    if newest.schema == schema:
        return Registration(subject, Outcome.PRESENT, newest.schema_id)
    return Registration(subject, Outcome.DIFFERS, newest.schema_id, "its newest schema is not the one in schemas/")


class _Conflict(RegistryUnavailable):
    """The registry already holds something else in this place."""


class _Found(NamedTuple):
    schema_id: int
    schema: Any


class _Registry:
    """The few questions that we ask, with answers that tell `not there` from `nobody there`."""

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        self._shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()  # without a password
        try:
            self._client = SchemaRegistryClient(url, timeout=httpx.Timeout(timeout))
        except AssertionError as error:  # the client's way to refuse an address
            raise RegistryUnavailable(f"{self._shown!r} is no address of a schema registry") from error
        # Its own requests open a connection each, TLS context and all.
        self._http = httpx.Client(**self._client.client_kwargs)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def schema(self, schema_id: int) -> _Found | None:
        """Return the schema of an id, None if there is definitely none."""
        answer = self._ask("get_by_id", schema_id=str(schema_id))
        return None if answer is None else self._found({"id": schema_id, **answer})

    def versions(self, subject: str) -> list[int]:
        """Return the versions of a subject; none if there is no such subject."""
        return self._ask("get_versions", subject=subject) or []

    def version(self, subject: str, version: int | str) -> _Found | None:
        """Return a version of a subject, None if there is none."""
        answer = self._ask("get_schema", subject=subject, version=version)
        return None if answer is None else self._found(answer)

    def add(self, subject: str, schema: Any) -> int:
        """Register a schema and return its id."""
        answer: dict[str, int] = self._ask("register", {"schema": contract.text(schema)}, subject=subject)
        return answer["id"]

    def restrict(self, subject: str, compatibility: str) -> None:
        """Set what the next versions of a subject must be compatible with."""
        self._ask("update_compatibility", {"compatibility": compatibility}, subject=subject)

    def _ask(self, question: str, body: Any = None, **names: Any) -> Any:
        url, method = self._client.url_manager.url_for(question, **names)
        try:
            headers = self._client.prepare_headers(body=body)
            response = self._http.request(method, url, headers=headers, json=body)
        except httpx.HTTPError as error:
            why = "Timeout" if isinstance(error, httpx.TimeoutException) else str(error)[:200]
            raise RegistryUnavailable(
                f"no schema registry answers at {self._shown}: {why}; start it, or correct ATP_REGISTRY_URL"
            ) from error
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.is_success and answer is not None:
            return answer
        code = answer.get("error_code") if isinstance(answer, dict) else None
        if code in _NOT_FOUND:
            return None
        refusal = _Conflict if response.status_code == httpx.codes.CONFLICT else RegistryUnavailable
        wrong_path = answer is None or response.status_code in _NO_SUCH_PATH
        raise refusal(
            f"the schema registry at {self._shown} says {response.status_code} to {method} {url}:"
            f" {_WRONG_PATH if wrong_path else f'{answer!r:.200}'}"
        )

    def _found(self, answer: dict[str, Any]) -> _Found:
        if answer.get("schemaType", "AVRO") != "AVRO":
            return _Found(answer["id"], None)
        return _Found(answer["id"], contract.parsed(answer["schema"]))
