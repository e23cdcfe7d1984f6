import socket

import pytest

from atp_stream.devstack import StackError, kafka, registry
from atp_stream.devstack.ports import claim, free_port


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_zero_asks_for_a_free_port():
    assert 0 < claim(0, "--kafka-port") <= 65535


def test_a_free_port_is_granted():
    port = free_port()

    assert port == claim(port, "--kafka-port")


def test_a_taken_port_is_refused_with_what_to_do(taken):
    expected = f"port {taken} is in use: stop what listens there, or choose another with --kafka-port (0: any free one)"

    with pytest.raises(StackError) as raised:
        claim(taken, "--kafka-port")

    assert expected == str(raised.value)


def test_nobody_is_no_broker_and_no_registry():
    port = free_port()

    assert (False, False) == (kafka.answers(port), registry.answers(port))


def test_one_that_listens_but_says_nothing_is_no_broker(taken):
    assert not kafka.answers(taken)
