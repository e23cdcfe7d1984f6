"""Small turns of phrase that several commands share."""

from collections.abc import Iterable
from difflib import get_close_matches


def counted(number: int, what: str) -> str:
    """Return a number with its noun, in the plural where there is not exactly one."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def did_you_mean(said: str, known: Iterable[str]) -> str:
    """Return ` (did you mean ...?)` for the nearest of the known names, nothing if none is near."""
    by_capitals = {name.upper(): name for name in known}
    near = get_close_matches(said.upper(), by_capitals, n=1)
    return f" (did you mean {by_capitals[near[0]]}?)" if near else ""
