"""What an event calls itself: whether that is one of ours, somebody else's, or says nothing.

An `eventType` names the event: with another one than the input's, the message is not for us. The name of an Avro
record and the `type` of a CloudEvent are given by tools and by the writer's own conventions: there only what is
plainly another event's name keeps a message from being read by its fields.
"""

import re
from functools import lru_cache
from typing import Final

from atp_stream.messages.input_events import EVENT_TYPES, InputKind, Skipped

_SEPARATOR: Final = re.compile(r"[./:#$]")
_VERSION: Final = re.compile(r"v?\d+", re.IGNORECASE)
_MAX_KNOWN: Final = 1_000  # names that are kept: messages from outside must not fill the memory


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower()).removesuffix("event")


_OURS: Final = {kind: _plain(name) for kind, name in EVENT_TYPES.items()}


@lru_cache(_MAX_KNOWN)
def is_ours(kind: InputKind, name: str) -> bool:
    """Return whether an event of this type belongs to the kind.

    Namespaces in front of it, a version behind it, `Event` at its end, case, hyphens and underscores do not matter.
    """
    parts = _parts(name)
    return any(_plain("".join(parts[start:])) == _OURS[kind] for start in range(len(parts)))


@lru_cache(_MAX_KNOWN)
def is_another(kind: InputKind, name: str) -> bool:
    """Return whether a type's name is plainly another event's: of another input, or in the past tense with `Event`."""
    if is_ours(kind, name):
        return False
    return any(is_ours(other, name) for other in InputKind) or _parts(name)[-1].endswith("edEvent")


def foreign(event_type: str) -> Skipped:
    """Return the skip of an event of another type."""
    return Skipped(Skipped.FOREIGN, f"its type is {event_type:.100}")


def _parts(name: str) -> list[str]:
    parts = _SEPARATOR.split(name)
    while len(parts) > 1 and _VERSION.fullmatch(parts[-1]):
        parts.pop()
    return parts
