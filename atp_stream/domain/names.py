"""Composite keys: every part is percent-encoded for `%` and `|`, so a key and its parts are a bijection."""

from hashlib import blake2b
from typing import Final

_SHORT_ID_CHARS: Final = 20


def encode(part: str) -> str:
    """Return `part` fit to stand between two `|`."""
    if "%" in part or "|" in part:
        return part.replace("%", "%25").replace("|", "%7C")
    return part


def decode(part: str) -> str:
    """Return what `encode` was given."""
    if "%" in part:
        return part.replace("%7C", "|").replace("%25", "%")
    return part


def join(*parts: str) -> str:
    """Return the key made of `parts`."""
    return "|".join(map(encode, parts))


def split(key: str) -> list[str]:
    """Return the parts of a key made by `join`."""
    parts = key.split("|")
    return [decode(part) for part in parts] if "%" in key else parts


def short_id(event_id: str) -> str:
    """Return an event id, or a name for it: a row that remembers many stays small whatever ids look like."""
    if len(event_id) > _SHORT_ID_CHARS or not event_id.isascii():
        return blake2b(event_id.encode(), digest_size=_SHORT_ID_CHARS // 2).hexdigest()
    return event_id
