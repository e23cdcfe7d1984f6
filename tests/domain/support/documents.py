"""Random policies: channels of all kinds come and go, `shop` may be another name of ECOM, limits may be short."""

from collections.abc import Callable
from random import Random
from typing import Any

HOUR = 60 * 60
WEEK = 7 * 24 * HOUR


def rule(r: Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    match r.choice(["POOLED", "POOLED", "SHARE", "SHARE", "QUOTA", "QUOTA", "QUOTA", "FROZEN"]):
        case "SHARE":
            found = {"kind": "SHARE", "weight": r.choice([0.25, 0.3333, 0.5, 1])}
        case "QUOTA":
            extras = {"overflow": r.random() < 0.5, "rank": r.choice([1, 2]), "min": r.choice([0, 0.02, 0.05])}
            found = {"kind": "QUOTA", **some(r, extras)}
        case "FROZEN":
            found = {"kind": "FROZEN"} if r.random() < 0.5 else {}
    found |= some(r, {"max_waiting": r.choice([0, 0.04, 0.1])}, 0.1)
    return found | some(r, {"buffer": r.choice([0, 0.01, 0.03]), "floor": 0.02}, 0.25)


def some(r: Random, fields: dict[str, Any], chance: float = 0.5) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if r.random() < chance}


def safety(r: Random) -> dict[str, Any]:
    return some(r, {"fixed": r.choice([0.01, 0.03]), "percent": r.choice([10, 12.5, 50])})


def step(r: Random) -> float:
    return r.choice([0.01, 0.02, 0.02, 0.05])


def frozen(r: Random) -> dict[str, bool]:
    return {r.choice(["ECOM", "STORE", "store", "POPUP"]): r.random() < 0.5}


def item_section(r: Random) -> dict[str, Any]:
    extras = {
        "rule": rule(r),
        "safety_stock": safety(r),
        "frozen": frozen(r),
        "step": step(r),
        "max_waiting_each": 0.05,
    }
    return {"channels": {r.choice(["LATER", "LATER", "store"]): rule(r)}, **some(r, extras)}


def section(r: Random) -> dict[str, Any]:
    named = ["ECOM", *some(r, {"STORE": 0, "POPUP": 0}, 0.6)]
    extras = {
        "aliases": {"shop": "ECOM"},
        "safety_stock": safety(r),
        "rule": rule(r),
        "frozen": frozen(r),
        "shortage": r.choice(["keep", "deallocate"]),
        "time_limit": r.choice([1, 60]),
        "step": step(r),
        "max_waiting_each": r.choice([0, 0.03]),
        "items": {"lamp": item_section(r)},
    }
    return {"channels": {name: rule(r) for name in named}, **some(r, extras, 0.25)}


def document(r: Random, *, forgets: bool = True) -> dict[str, Any]:
    return {
        "unknown_channels": r.choice(["accept", "accept", "refuse"]),
        "default_channel": r.choice(["ECOM", "ECOM", "STORE"]),
        "stock": {"skew": 0, "window": HOUR},
        "shortage": r.choice(["keep", "deallocate"]),
        "retention": r.choice([0, 60, WEEK]) if forgets else WEEK,
        "drift_grace": r.choice([0, 30]),
        "tenants": {"*": section(r), **some(r, {"umbra": section(r)})},
    }


def patch(r: Random) -> dict[str, Any] | None:
    """Throw a merge patch on the section of a tenant or an item; some contradict what they are applied to."""
    if r.random() < 0.15:
        return None
    rules: list[Callable[[], Any]] = [
        lambda: rule(r), lambda: rule(r), lambda: None, lambda: {"overflow": r.random() < 0.5}, lambda: {"weight": 0.5},
    ]  # fmt: skip
    channels = {name: r.choice(rules)() for name in ["ECOM", r.choice(["STORE", "Store"]), "POPUP"] if r.random() < 0.4}
    return some(
        r,
        {
            "channels": channels if r.random() < 0.8 else None,
            "rule": r.choice(rules)(),
            "safety_stock": r.choice([None, safety(r)]),
            "step": r.choice([None, step(r)]),
            "frozen": r.choice([None, {r.choice(["ECOM", "ecom", "STORE"]): r.choice([True, None])}]),
        },
        0.4,
    )


def patch_of_tenant(r: Random) -> dict[str, Any] | None:
    found = patch(r)
    extras = {"time_limit": r.choice([None, 1, 60]), "shortage": r.choice([None, "keep", "deallocate"])}
    return None if found is None else {**found, **some(r, extras, 0.3)}
