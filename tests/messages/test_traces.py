"""The trace of an input: W3C's two headers, taken over only if they are as they must be."""

from typing import Any

import pytest

from atp_stream.messages.dead_letters import pack_original
from atp_stream.messages.traces import log_fields_of, trace_headers, trace_of, trace_of_original
from tests.agents.memory import Record

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
STATE = b"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"


def test_both_headers_of_a_record_are_its_trace_and_no_others() -> None:
    headers = [("id", b"7"), ("tracestate", STATE), ("baggage", b"a=b"), ("traceparent", PARENT)]
    assert [("traceparent", PARENT), ("tracestate", STATE)] == trace_of(headers)


@pytest.mark.parametrize(
    "parent",
    [
        b"",
        None,
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        PARENT + b"\n",
        PARENT + b"-more",
    ],
)
def test_what_names_no_trace_is_not_handed_on(parent: Any) -> None:
    assert [] == trace_of([("traceparent", parent), ("tracestate", STATE)])


def test_a_state_that_is_too_long_is_left_out_and_the_trace_goes_on() -> None:
    assert [("traceparent", PARENT)] == trace_of([("traceparent", PARENT), ("tracestate", 513 * b"a")])


def test_the_trace_of_an_input_is_in_what_was_packed_of_it() -> None:
    record = Record("created", b"{}", headers=(("traceparent", PARENT),))
    assert [("traceparent", PARENT)] == trace_of_original(pack_original(record))


def test_a_value_that_only_looks_like_the_header_is_no_trace() -> None:
    record = Record("created", b"\xabtraceparent" + PARENT, headers=(("id", b"7"),))
    assert [] == trace_of_original(pack_original(record))


def test_an_input_that_an_operator_made_has_none() -> None:
    assert [] == trace_of_original(b"")


def test_a_log_line_names_the_trace_by_its_id() -> None:
    assert {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"} == log_fields_of([("traceparent", PARENT)])
    assert {} == log_fields_of([("id", b"7")])


def test_a_request_has_its_trace_in_the_same_headers() -> None:
    headers = {"Host": "localhost", "traceparent": PARENT.decode(), "tracestate": STATE.decode()}
    assert [("traceparent", PARENT), ("tracestate", STATE)] == trace_headers(headers)
