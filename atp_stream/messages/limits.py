"""What a message, a schema and an answer of the registry may cost at the most; docs/integrate.md lists them.

They bound memory and time: whatever is sent, one message is decoded in well under a second, or refused.
"""

from typing import Final

MAX_MESSAGE_BYTES: Final = 65_536
"""Bytes of value, key and headers; a larger message would be carried twice, in the log and in its changelog rows."""
MAX_ID_BYTES: Final = 255
"""Bytes of UTF-8."""
MAX_WRAPPING_DEPTH: Final = 4
"""Wrappers around one event in JSON, such as a Debezium change inside Connect's `{schema, payload}`."""
MAX_POLICY_DEPTH: Final = 16
"""Objects within objects in a policy change; the document itself has six."""

MAX_SCHEMA_DEPTH: Final = 32
"""Levels of an Avro schema. fastavro reads by recursion in C: some ten thousand levels end the process."""
MAX_SCHEMA_PARTS: Final = 2_000
"""Types in an Avro schema, a named one counted wherever it is used."""
MAX_VALUES_PER_BYTE: Final = 8
"""Values that one byte of an array or a map may make: a block may state any number of items that take no bytes."""
MAX_REFERENCES: Final = 32
"""Schemas that an Avro schema may refer to, directly or through others."""

MAX_ANSWER_BYTES: Final = 1 << 20
"""Bytes of an answer of the registry, decompressed."""
ANSWER_TIMEOUT_S: Final = 5.0
"""Seconds in which the registry must have answered in full."""
