"""Who asks, and what he may ask for."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from aiohttp import web

ALL: Final = "*"
"""In place of tenants: every tenant, and what concerns all of them."""


class Role(StrEnum):
    """What a caller may do; none of them includes another."""

    READ = "read"
    WRITE = "write"
    OPERATE = "operate"


class Caller(NamedTuple):
    """Somebody who was recognised, or everybody where nobody is asked who he is."""

    name: str
    tenants: frozenset[str]
    roles: frozenset[Role]

    def may(self, role: Role, tenant: str | None) -> bool:
        """Return whether he may do something for a tenant; None: for no tenant in particular."""
        return role in self.roles and (tenant is None or tenant in self.tenants or ALL in self.tenants)


EVERYBODY: Final = Caller("everybody", frozenset({ALL}), frozenset(Role))

CALLER: Final[web.RequestKey[Caller]] = web.RequestKey("caller", Caller)
"""Where a request keeps who asks."""


def roles_of(names: Iterable[str]) -> frozenset[Role]:
    """Return those of the names that are roles."""
    return frozenset(Role(name) for name in names if name in set(Role))
