"""Messages as they will be sent, held to what the workers would say of them."""

from typing import Any, NamedTuple

import click
import msgspec

from atp_stream.domain import quantity
from atp_stream.domain.errors import Refused
from atp_stream.messages.inbound import Inbound
from atp_stream.messages.input_events import InputKind


class Amount(click.ParamType):
    """A quantity with at most two decimals, in whole hundredths."""

    name = "quantity"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the hundredths; what the workers would refuse is refused here."""
        try:
            return quantity.parse(str(value))
        except Refused as refused:
            self.fail(f"{value!r} is no quantity of at most 12 digits and 2 decimals ({refused.reason})", param, ctx)


AMOUNT = Amount()


class _Draft(NamedTuple):
    """What will be a record."""

    value: bytes
    timestamp: int = 0  # it carries its own
    key: None = None
    headers: None = None


class _NoSchemas:
    """JSON needs none."""

    def lookup(self, schema_id: int) -> Any:
        raise Refused("undecodable", f"schema {schema_id} in JSON")


def draft(kind: InputKind, body: dict[str, Any]) -> bytes:
    """Return the body as flat JSON, without what is None.

    Raises:
        click.UsageError: workers would refuse it.
    """
    value = msgspec.json.encode({name: said for name, said in body.items() if said is not None})
    try:
        Inbound(_NoSchemas(), None).translate(kind, _Draft(value))
    except Refused as refused:
        raise click.UsageError(f"workers would refuse this: {refused.detail} ({refused.reason})") from None
    return value


def number(hundredths: int | None) -> float | int | None:
    """Return what JSON writes exactly: 14 digits are fewer than a double keeps."""
    if hundredths is None:
        return None
    return hundredths // 100 if hundredths % 100 == 0 else hundredths / 100
