"""What the log says of fields that are not read: one that is misspelt, as `loactionId`, would be passed over unseen.

A message may hold what others need, so this is no fault of it. To look at each would cost a second decode of every
event, and to compare its names with those that were seen before would need the same. So the first messages of a topic
are looked at after a start, for a producer that misspells a field does so in all of its messages, and then one in a
thousand, for what begins later: of the 10 microseconds that it takes to read an event that is less than a hundredth.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from mode import get_logger

from atp_stream.domain.errors import Refused
from atp_stream.messages.dead_letters import escaped
from atp_stream.messages.input_events import InputKind
from atp_stream.messages.subjects import resembled, unread
from atp_stream.messages.traces import log_fields_of

log = get_logger(__name__)

_MAX_TOLD: Final = 100  # of each topic: made-up names must not fill the memory, or the log
_MAX_NAME_CHARS: Final = 100
_MAX_SHOWN: Final = 5
_FIRST_RECORDS: Final = 100
_EVERY_RECORDS: Final = 1_000


def is_looked_at(accepted: int) -> bool:
    """Return whether the message that is the how-manieth of its topic is one to look at."""
    return accepted <= _FIRST_RECORDS or not accepted % _EVERY_RECORDS


class UnreadLog:
    """Looks at some of the messages that were accepted; `counts` are those with fields that are not read, by topic."""

    def __init__(self, kinds: Mapping[str, InputKind]) -> None:
        self._kinds = kinds
        self.counts: Counter[str] = Counter(dict.fromkeys(kinds, 0))
        self._logged: dict[str, set[str]] = {topic: set() for topic in kinds}
        self._failed = False

    def look(self, record: Any) -> None:
        """Take note of an accepted record; nothing depends on it, so it never fails."""
        topic = record.topic
        names = self._names(record)
        self.counts[topic] += bool(names)
        known = self._logged[topic]
        for name in names:
            if len(known) < _MAX_TOLD and name not in known:
                known.add(name)
                self._report(record, name)

    def explained(self, record: Any, refused: Refused) -> Refused:
        """Return a refusal of a message in which something is missing, with the fields that may hold it."""
        names = self._names(record) if refused.reason.startswith("missing_") else []
        if not names:
            return refused
        shown = ", ".join(f"'{escaped(name[:_MAX_NAME_CHARS])}'" for name in names[:_MAX_SHOWN])
        return Refused(refused.reason, f"{refused.detail}; not read: {shown}")

    def _names(self, record: Any) -> list[str]:
        """Return the names of the fields that are not read; none, and a line once, if the look fails."""
        try:
            return unread(self._kinds[record.topic], record.value)
        except Exception:  # what becomes of the message does not depend on a look at it
            if not self._failed:
                log.exception("cannot look for fields that are not read in %s", record.topic)
            self._failed = True
            return []

    def _report(self, record: Any, name: str) -> None:
        near = resembled(self._kinds[record.topic], name)
        meant = f"; did you mean {near}?" if near else ""
        place = f"{record.topic}/{record.partition}/{record.offset}"
        log.info(
            "%s has a field that is not read: '%s'%s",
            place,
            escaped(name[:_MAX_NAME_CHARS]),
            meant,
            extra=log_fields_of(record.headers),
        )
