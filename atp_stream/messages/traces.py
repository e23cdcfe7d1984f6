"""The trace that an input belongs to, as W3C Trace Context has it: headers that go on with all that it caused."""

import re
from collections.abc import Mapping
from typing import Any, Final

from atp_stream.messages.dead_letters import unpack_original
from atp_stream.records import Headers

TRACEPARENT: Final = "traceparent"
TRACE_HEADERS: Final = (TRACEPARENT, "tracestate")

TRACE_MARK: Final = b"\xabtraceparent"
"""The name as `pack_original` writes it: MessagePack puts 0xa0 and its length in front."""
_PARENT: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE: Final = b"0" * 32
_NO_PARENT: Final = b"0" * 16
_MAX_STATE_BYTES: Final = 512


def trace_of(headers: Any) -> Headers:
    """Return the headers of a trace among those of a record; none if they name no trace."""
    found = {name: value for name, value in headers or () if name in TRACE_HEADERS and value is not None}
    parent = found.get(TRACEPARENT, b"")
    if not _PARENT.fullmatch(parent) or parent[:2] == b"ff":
        return []
    if parent[3:35] == _NO_TRACE or parent[36:52] == _NO_PARENT:
        return []
    state = found.get("tracestate", b"")
    return [(TRACEPARENT, parent), *([("tracestate", state)] if 0 < len(state) <= _MAX_STATE_BYTES else [])]


def trace_headers(headers: Mapping[str, str]) -> Headers:
    """Return the headers of a trace that a request has, as a record would have them."""
    return trace_of([(name, headers[name].encode()) for name in TRACE_HEADERS if name in headers])


def trace_of_original(packed: bytes) -> Headers:
    """Return the same of an input that was packed; nothing is unpacked if it names no trace, so that costs little."""
    return trace_of(unpack_original(packed).headers) if TRACE_MARK in packed else []


def log_fields_of(headers: Any) -> dict[str, str]:
    """Return what a log line about a record, or a request, with these headers says of its trace: `trace_id`, if any."""
    trace = trace_of(headers)
    return {"trace_id": trace[0][1][3:35].decode()} if trace else {}


def log_fields_of_original(packed: bytes) -> dict[str, str]:
    """Return the same of an input that was packed."""
    return log_fields_of(trace_of_original(packed))
