"""How Kafka and the schema registry let us in: the one place where connections get addresses, TLS and secrets."""

from atp_stream.access.kafka import KafkaAccess
from atp_stream.access.registry import RegistryAccess

__all__ = ["KafkaAccess", "RegistryAccess"]
