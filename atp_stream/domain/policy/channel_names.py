"""Names of channels: which spellings mean the same one.

Two names mean the same channel if their normal forms are equal: invisible characters gone, Unicode NFKC, case folded,
blanks at the ends gone and others joined to one. What is published keeps the spelling of the policy, or of the first
who named the channel.
Source: docs/rules/availability.md#spelling.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, TypeVar
from unicodedata import category, normalize

T = TypeVar("T")

_INVISIBLE: Final = "Cf"  # such as a soft hyphen, or a joiner of no width


@lru_cache(maxsize=16_384)
def normal(name: str) -> str:
    """Return the normal form of a channel's name."""
    if name.isascii():
        return " ".join(name.lower().split())
    visible = "".join(letter for letter in normalize("NFKC", name) if category(letter) != _INVISIBLE)
    return " ".join(normalize("NFKC", visible.casefold()).split())


def by_form(named: Mapping[str, T]) -> dict[str, T]:
    """Return what is said of channels by the normal forms of their names; of two spellings of one the first counts."""
    found: dict[str, T] = {}
    for name, said in named.items():
        found.setdefault(normal(name), said)
    return found


def as_spelled(name: str, known: Mapping[str, object]) -> str:
    """Return the name in `known` that means the same channel, or `name` itself."""
    if name in known:
        return name
    form = normal(name)
    return next((one for one in known if normal(one) == form), name)
