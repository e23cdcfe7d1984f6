"""Policies that a run puts in force one after the other."""

import json
from typing import Any, Final

_NEVER: Final = 30 * 24 * 60 * 60  # seconds
_CHANNELS: Final[dict[str, Any]] = {"ECOM": {}, "STORE": {}, "B2B": {}, "MARKETPLACE": {}}

DOCUMENTS: Final[tuple[dict[str, Any], ...]] = (
    {
        "drift_grace": _NEVER,
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
        "drift_grace": _NEVER,
        "tenants": {
            "*": {"channels": {**_CHANNELS, "STORE": {"buffer": 0.25}}, "aliases": {"Ecommerce": "ECOM"}},
            "acme": {"channels": {"ECOM": {}, "OUTLET": {}}, "safety_stock": {"fixed": 3}},
        },
    },
    {"drift_grace": _NEVER, "tenants": {"*": {"channels": _CHANNELS, "aliases": {"Ecommerce": "ECOM"}}}},
)
FIRST: Final[dict[str, Any]] = {"drift_grace": _NEVER, "tenants": {"*": {"channels": _CHANNELS}}}
"""What is in force from the beginning: as by default, but for drift, of which the oracle knows nothing."""


def text(document: dict[str, Any]) -> bytes:
    """Return a document as it is applied."""
    return json.dumps(document).encode()
