"""Available-to-promise, exactly once: two streams in, tables and events out."""

__version__ = "0.2.0.dev0"
