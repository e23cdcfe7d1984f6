"""A real Kafka and a real schema registry on loopback, for the demo and the tests; not for production."""

from atp_stream.devstack.child import AlreadyRunningError, StackError
from atp_stream.devstack.stack import Addresses, Stack

__all__ = ["Addresses", "AlreadyRunningError", "Stack", "StackError"]
