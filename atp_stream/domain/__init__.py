"""What the numbers mean. Pure: no Kafka, Avro, HTTP, clock, randomness, logger or environment."""
