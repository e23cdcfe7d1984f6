"""What every input event of an item is about, whatever its kind."""

import msgspec

from atp_stream.messages.input_events import InputKind
from atp_stream.messages.validation import content_name


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What every command needs: tenant, item, time, and the event's own id, "" if it has none."""

    kind: InputKind
    tenant: str
    item: str
    at_us: int
    event_id: str

    def named(self, *content: str | int | None) -> str:
        """Return a name for an event without an id: of all that tells two of them apart."""
        return content_name(self.kind.value, self.tenant, self.item, self.at_us, *content)
