"""Free and taken ports on loopback."""

import socket
from dataclasses import dataclass

from atp_stream.devstack.child import StackError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPorts:
    """Where a broker listens: for clients, for other controllers; one that is secured also in two more ways."""

    client: int
    controller: int
    ssl: int = 0
    sasl_plaintext: int = 0


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def claim(port: int, option: str) -> int:
    """Return `port`, or a free one for 0.

    Raises:
        StackError: somebody listens on it; the text names `option`, which chooses another.
    """
    if port == 0:
        return free_port()
    with socket.socket() as probe:
        # As servers do: a connection that lingers after a restart is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise StackError(
                f"port {port} is in use: stop what listens there, or choose another with {option} (0: any free one)"
            ) from None
    return port


def answers(port: int) -> bool:
    """Whether somebody listens on a port of loopback."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True
