"""Why an audit cannot be made at all; a difference that it finds is no error."""


class AuditError(Exception):
    """It cannot be done; the text is one line that says why, and what to do."""
