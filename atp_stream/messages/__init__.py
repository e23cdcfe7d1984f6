"""Bytes to domain values and back; no sockets but those of the schema registry's client."""
