"""Available-to-promise, exactly once: two streams in, tables and events out."""

__version__ = "0.1.0"
