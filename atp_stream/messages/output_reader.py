"""Output records back to the seed's JSON envelope, whichever wire they were written on; for people who watch.

Law: a record of the JSON wire is returned as it came; a framed record gives the envelope that the JSON wire would
have had. Amounts keep every digit.
"""

from decimal import Decimal
from io import BytesIO
from typing import Any, Final

import msgspec
from fastavro import parse_schema, schemaless_reader

from atp_stream.domain import quantity
from atp_stream.messages.avro_decoder import FRAME
from atp_stream.messages.errors import SchemaUnknown
from atp_stream.messages.registry import SchemaCache

_HEAD: Final = ("eventId", "timestamp", "tenantId")


class OutputReader:
    """Reads what workers have written; schemas that are not known yet are fetched."""

    def __init__(self, schemas: SchemaCache) -> None:
        self._schemas = schemas
        self._plans: dict[int, Any] = {}

    async def envelope(self, value: bytes) -> bytes:
        """Return the event `{eventType, eventId, timestamp, tenantId, payload}` as one line of JSON.

        Raises:
            Refused: `unknown_schema`: the registry has none of this id.
            ValueError: neither JSON nor framed Avro.
        """
        if value[:1] != b"\0":
            return msgspec.json.encode(msgspec.json.decode(value, type=dict[str, msgspec.Raw]))
        schema_id = int.from_bytes(value[1:FRAME], "big")
        plan = self._plans.get(schema_id)
        if plan is None:
            plan = self._plans[schema_id] = await self._plan(schema_id)
        record: Any = schemaless_reader(BytesIO(value[FRAME:]), plan, None)
        payload = {name: _plain(field) for name, field in record.items() if name not in _HEAD}
        head = {name: record[name] for name in _HEAD}
        return msgspec.json.encode({"eventType": plan["name"].rpartition(".")[2], **head, "payload": payload})

    async def _plan(self, schema_id: int) -> Any:
        try:
            schema = self._schemas.lookup(schema_id)
        except SchemaUnknown:
            await self._schemas.fetch(schema_id)
            schema = self._schemas.lookup(schema_id)
        return parse_schema(_bare(schema), _force=True)


def _bare(schema: Any) -> Any:
    """Return the schema as readers shall see it: a time stays the number that it is on the wire."""
    return {**schema, "fields": [{**field, "type": "long"} if _is_time(field) else field for field in schema["fields"]]}


def _is_time(field: Any) -> bool:
    declared = field["type"]
    return isinstance(declared, dict) and declared.get("logicalType") == "timestamp-millis"


def _plain(field: Any) -> Any:
    if isinstance(field, list):
        return [{name: _plain(value) for name, value in entry.items()} for entry in field]
    if isinstance(field, Decimal):
        return msgspec.Raw(quantity.show(quantity.parse(field)).encode())
    return field
