"""The schema registry: ids and schemas cached at start, fetched off the loop when a new one turns up.

Workers look up and never register; `atp init` registers and never changes. Whatever answers instead of a registry, a
worker goes on: only the partition waits that has a message of the schema.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeAlias

from atp_stream.access import RegistryAccess
from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason
from atp_stream.messages import schema_files
from atp_stream.messages.errors import RegistryUnavailable, SchemaMissing, SchemaUnknown
from atp_stream.messages.limits import ANSWER_TIMEOUT_S
from atp_stream.messages.outbound import EVENTS, Role
from atp_stream.messages.registry_client import Conflict, Found
from atp_stream.messages.registry_client import RegistryClient as _Registry

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
TIMEOUT_S: Final = ANSWER_TIMEOUT_S
_FIRST_DELAY_S: Final = 0.1
_MAX_DELAY_S: Final = 5.0
_PAUSES: Final = (0.0, 0.2, 0.8)  # in front of each look at the versions that are read at start
_MISSING_RETRY_S: Final = 60.0  # then an unknown id is asked for again: it may have been registered since
_MAX_MISSING_IDS: Final = 10_000
_MAX_ID: Final = 2**31 - 1  # registries count in signed ints: a larger id would be an error of the address


_OURS: Final = {role: schema_files.schema(event) for role, event in EVENTS.items()}

_Version: TypeAlias = tuple[str, int]
"""A subject and the number of one of its versions."""


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

    def __init__(self, access: RegistryAccess, *, timeout_s: float = TIMEOUT_S) -> None:
        self._registry = _Registry(access, timeout_s)
        self._schemas: dict[int, Any] = {}
        self._missing: dict[int, float] = {}  # until when an id counts as unknown, by the monotonic clock
        self.output_ids: dict[Role, int] = {}

    def __len__(self) -> int:
        """Return the number of schemas that are cached."""
        return len(self._schemas)

    def lookup(self, schema_id: int) -> Any:
        """Return an Avro schema as parsed JSON, else what `registered` has for it; None if it is not even JSON.

        Raises:
            SchemaUnknown: it is not cached; `fetch` it.
            Refused: `unknown_schema`: the registry has none of this id.
        """
        try:
            return self._schemas[schema_id]
        except KeyError:
            if schema_id > _MAX_ID or self._missing.get(schema_id, 0.0) > time.monotonic():
                raise Refused(Reason.UNKNOWN_SCHEMA, f"the registry has no schema {schema_id}") from None
            raise SchemaUnknown(schema_id) from None

    async def warm(self, subjects: Mapping[str, str], *, to_write: bool = False) -> list[str]:
        """Load every version of these subjects, find the ids of our output schemas, and return what to warn of.

        `subjects` has the event of each; `to_write` asks for the ids of the output events among them.

        Raises:
            RegistryUnavailable: no registry answers there, or not for the version that may have such an id.
        """
        unread = await asyncio.to_thread(self._warm, list(subjects))
        unknown = {EVENTS[role] for role in Role if to_write and role not in self.output_ids}
        for version, error in unread.items():
            if subjects[version[0]] in unknown:
                raise RegistryUnavailable(_unwritable(subjects[version[0]], version, error)) from error
        return [_unread(version, error) for version, error in unread.items()]

    async def fetch(self, schema_id: int) -> None:
        """Ask the registry until it answers, however long that takes; then `lookup` knows."""
        delay = _FIRST_DELAY_S
        while True:
            try:
                found = await asyncio.to_thread(self._registry.schema, schema_id)
            except Exception as error:  # noqa: BLE001 - whatever is answered, one partition waits and nothing ends
                _log.warning("schema %s waits for the registry: %s", schema_id, error)
                await asyncio.sleep(delay)
                delay = min(2 * delay, _MAX_DELAY_S)
            else:
                self._remember(schema_id, found)
                return

    def close(self) -> None:
        """Close the connections to the registry; what is cached stays."""
        self._registry.close()

    def _remember(self, schema_id: int, found: Found | None) -> None:
        if found is not None:
            self._schemas[schema_id] = found.schema
            return
        if len(self._missing) >= _MAX_MISSING_IDS:  # made-up ids must not fill the memory
            self._missing.clear()
        self._missing[schema_id] = time.monotonic() + _MISSING_RETRY_S

    def _warm(self, subjects: list[str]) -> dict[_Version, RegistryUnavailable]:
        """Load every version, and return those that the registry did not answer for though it was asked again."""
        wanted = [(subject, version) for subject in subjects for version in self._registry.versions(subject)]
        unread: dict[_Version, RegistryUnavailable] = {}
        for pause in _PAUSES:
            time.sleep(pause)
            unread = self._read(wanted)
            wanted = list(unread)
            if not wanted:
                break
        return unread

    def _read(self, wanted: Iterable[_Version]) -> dict[_Version, RegistryUnavailable]:
        """Remember these versions, and return those that the registry does not answer for."""
        unread: dict[_Version, RegistryUnavailable] = {}
        for subject, version in wanted:
            try:
                found = self._registry.version(subject, version)
            except RegistryUnavailable as error:
                self._registry.versions(subject)  # raises if it is not the version, but the registry
                unread[subject, version] = error
                continue
            if found is None:
                continue  # deleted since it was listed
            self._schemas[found.schema_id] = found.schema
            self.output_ids |= {role: found.schema_id for role, schema in _OURS.items() if schema == found.schema}
        return unread


def _unread(version: _Version, error: RegistryUnavailable) -> str:
    return (
        f"{_no_answer(version, error)}; it is asked again when a message needs that version, and that partition waits"
        " until it answers: if it does not come back, look what is wrong with that version in the registry"
    )


def _unwritable(event: str, version: _Version, error: RegistryUnavailable) -> str:
    return (
        f"the schema id of {event}, which is written, is not known: {_no_answer(version, error)}; start again when it"
        " does, or look what is wrong with that version in the registry"
    )


def _no_answer(version: _Version, error: RegistryUnavailable) -> str:
    return f"the registry did not answer for version {version[1]} of the schema {version[0]} ({error})"


def register(
    access: RegistryAccess, schemas: Mapping[str, Any], compatibility: str = "BACKWARD", *, timeout_s: float = TIMEOUT_S
) -> list[Registration]:
    """Register each subject's schema where the subject is new; report where its newest schema is not ours.

    A subject that exists is never changed, nor its compatibility level. Blocking: not for the event loop.

    Raises:
        RegistryUnavailable: no registry answers there, or it refuses.
    """
    with closing(_Registry(access, timeout_s)) as registry:
        return [_register(registry, subject, schema, compatibility) for subject, schema in schemas.items()]


def _register(registry: _Registry, subject: str, schema: Any, compatibility: str) -> Registration:
    newest = registry.version(subject, "latest")
    if newest is None:
        try:
            schema_id = registry.add(subject, schema)
        except Conflict:  # somebody else is registering it in this moment
            newest = registry.version(subject, "latest")
            if newest is None:
                raise
        else:
            with suppress(Conflict):  # the other one of two runs has just done it
                registry.restrict(subject, compatibility)
            return Registration(subject, Outcome.CREATED, schema_id)
    if newest.schema == schema:
        return Registration(subject, Outcome.PRESENT, newest.schema_id)
    return Registration(subject, Outcome.DIFFERS, newest.schema_id, "its newest schema is not the one in schemas/")
