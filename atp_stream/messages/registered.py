"""What the registry may have for an id, besides a plain Avro schema (which is its parsed JSON, and nothing more)."""

from typing import Any, NamedTuple


class Language(NamedTuple):
    """A schema in another language than Avro, as the registry names it; of the schema itself nothing is needed."""

    name: str

    @property
    def is_json(self) -> bool:
        """Whether messages by it are JSON."""
        return self.name == "JSON"


class Composed(NamedTuple):
    """An Avro schema that refers to others, with those, each behind what it refers to itself."""

    schema: Any
    definitions: tuple[Any, ...]
