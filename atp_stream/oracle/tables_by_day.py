"""The rows of what has a date: what each must hold, and under which keys promises must be found."""

from collections.abc import Iterator
from typing import Any, Final

from atp_stream.oracle.item import Item
from atp_stream.oracle.supply import Supply

_TOP: Final = 2**63 - 1


def by_day(item: Item) -> Iterator[tuple[str, Any]]:
    """Yield the rows of an item's curve, its supplies, and the keys by which promises are found."""
    for name, supply in item.supplies.items():
        yield f"s|{_encoded(name)}", _supply(supply)
    if not item.dated:
        return
    claims = item.claims.values()
    yield (
        "c",
        {
            "days": item.days(),
            "boundary": item.boundary,
            "timer": item.roll_at_us,
            "arriving": [list(one) for one in item.arriving],
            "open": sum(one.open > 0 for one in item.supplies.values()),
            "undue": sum(claim.undue for claim in claims),
        },
    )
    for claim in claims:
        name = _encoded(claim.name)
        if claim.undue:
            yield f"w|{claim.wanted:08x}{name}", {}
        for place, _, _, day in claim.promises:
            rank = f"{_TOP - claim.priority:016x}{place:016x}"
            loss = f"{int(claim.confirmed)}{_TOP + claim.priority:016x}{_TOP - place:016x}"
            yield f"p|{day:08x}|{loss}{name}", {}
            yield f"d|{day:08x}|{_encoded(claim.channel)}|{rank}", {"reservation": claim.name}
            if not claim.undue or (claim.wanted is not None and day > claim.wanted):
                yield f"v|{_encoded(claim.channel)}|{rank}{day:08x}", {"reservation": claim.name}


def _supply(supply: Supply) -> dict[str, Any]:
    return {
        "moved": supply.sum_of("moved"),
        "received": supply.sum_of("received"),
        "adjusted": supply.sum_of("adjusted"),
        "final_at": None if supply.final_at_us < 0 else supply.final_at_us,
        "wholes": list(supply.wholes()),
    }


def _encoded(part: str) -> str:
    return part.replace("%", "%25").replace("|", "%7C")
