"""Policies that a run puts in force, one after the other."""

import json
from typing import Any, Final

_CHANNELS: Final[dict[str, Any]] = {"ECOM": {}, "STORE": {}, "B2B": {}, "MARKETPLACE": {}}

DOCUMENTS: Final[tuple[dict[str, Any], ...]] = (
    {
        "drift_grace": 5,
        "tenants": {
            "*": {
                "channels": {**_CHANNELS, "MARKETPLACE": {"buffer": 2, "floor": 5}},
                "aliases": {"Ecommerce": "ECOM"},
                "safety_stock": {"percent": 1.5},
                "items": {"sku-003": {"safety_stock": {"fixed": 7.5}, "rule": {"buffer": 1}}},
            }
        },
    },
    {
        "tenants": {
            "*": {
                "channels": {
                    **_CHANNELS,
                    "STORE": {"kind": "SHARE", "weight": 0.5, "buffer": 0.25},
                    "B2B": {"kind": "QUOTA", "overflow": True},
                },
                "aliases": {"Ecommerce": "ECOM"},
                "frozen": {"MARKETPLACE": True},
                "time_limit": 20,
            },
            "acme": {
                "channels": {"ECOM": {"kind": "SHARE", "weight": 0.75}, "OUTLET": {}},
                "safety_stock": {"fixed": 3.25},
                "shortage": "deallocate",
                "step": 1,
            },
        },
    },
    {"tenants": {"*": {"channels": _CHANNELS, "aliases": {"Ecommerce": "ECOM"}}}},
)
FIRST: Final[dict[str, Any]] = {"tenants": {"*": {"channels": _CHANNELS}}}
"""What is in force from the beginning: the default."""


def text(document: dict[str, Any], window: float, retention: float | None = None) -> bytes:
    """Return a document as JSON, with a window of stock and, if given, a retention, both in seconds."""
    kept = {} if retention is None else {"retention": retention}
    return json.dumps({**document, "stock": {"window": window}, **kept}).encode()
