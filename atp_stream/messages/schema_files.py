"""The schemas of `schemas/*.avsc`, by the name of their event: the contract as it is registered and written."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

_PACKAGE: Final = Path(__file__).parent.parent
_PLACES: Final = (_PACKAGE / "schemas", _PACKAGE.parent / "schemas")  # in a wheel; in the tree


@cache
def schema(event: str) -> dict[str, Any]:
    """Return the schema of an event as parsed JSON; KeyError if the contract has none of this name."""
    found: dict[str, Any] = json.loads(contract(f"{event}.avsc").read_text(encoding="utf-8"))
    return found


def contract(name: str) -> Path:
    """Return where a file of the contract is; KeyError if there is none of this name."""
    for place in _PLACES:
        if (place / name).is_file():
            return place / name
    raise KeyError(name)


def full_name(event: str) -> str:
    """Return the name of an event's record with its namespace."""
    record = schema(event)
    return f"{record['namespace']}.{record['name']}"


def events() -> list[str]:
    """Return the names of all events of the contract."""
    return sorted({path.stem for place in _PLACES for path in place.glob("*.avsc")})


def text(schema: Any) -> str:
    """Return a schema as the registry is given it."""
    return json.dumps(schema, ensure_ascii=False)


def parsed(text: str) -> Any:
    """Return a schema that the registry gave; None if it is not even JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
