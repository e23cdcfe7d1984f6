"""What can go wrong around messages that is not the message's fault."""


class SchemaUnknown(Exception):
    """The schema of this id is not cached; fetch it, then ask again."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(schema_id)
        self.schema_id = schema_id


class RegistryUnavailable(Exception):
    """The schema registry does not answer, or what answers is none; the text is one line for the operator."""


class SchemaMissing(RegistryUnavailable):
    """The registry answers but lacks a schema of ours; the text says what to run."""
