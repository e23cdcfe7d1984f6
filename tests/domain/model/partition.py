"""The ledger recomputed from the list of all commands: slow, and obviously right.

It keeps no sum, no queue, no timer and no index: on hand is recounted from all that was said, reserved is summed, the
queue and the time limits are sorted, each time one of them is asked for. It knows no bounds, no slices and no steps,
and shares no line with the product.
"""

from collections.abc import Iterable

from atp_stream.domain.commands import EditPolicy, Entry, SetPolicy, Tick
from tests.domain.model.document import FIRST, Refusal, Rules, edited, stated
from tests.domain.model.item import ItemModel

MILLISECOND = 1_000


class Model:
    """The whole partition; `makes` are its items."""

    makes = ItemModel

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.items: dict[str, ItemModel] = {}
        self.refused: list[tuple[int, str]] = []
        self.document = FIRST
        self.known_changes: set[str] = set()
        for entry in entries:
            self.hear(entry)

    def hear(self, entry: Entry) -> None:
        if isinstance(entry.command, SetPolicy | EditPolicy) and entry.command.event_id in self.known_changes:
            return
        try:
            match entry.command:
                case SetPolicy():
                    self.live_by(entry, stated(bytes(entry.command.document)))
                case EditPolicy():
                    patched = edited(self.document, entry.command.tenant, bytes(entry.command.patch))
                    self.live_by(entry, patched)
                case Tick():
                    self.tick(entry, min(entry.command.at_us, entry.log_time_ms * MILLISECOND))
                case _:
                    self.answer(entry)
        except Refusal as refusal:
            self.refused.append((entry.offset, str(refusal)))

    def answer(self, entry: Entry) -> None:
        tenant, name = entry.name.split("|")
        item = self.items.get(entry.name) or self.makes(Rules(self.document, tenant, name))
        item.begin(entry.offset, entry.log_time_ms)
        if item.answer(entry.command):
            self.items[entry.name] = item
            item.finish()

    def live_by(self, entry: Entry, document: dict[str, object]) -> None:
        self.document = document
        self.known_changes.add(entry.command.event_id)
        for item in self.items.values():
            item.begin(entry.offset, entry.log_time_ms)
            item.live_by(Rules(document, item.rules.tenant, item.rules.item, item.rules.own))
            item.finish()

    def tick(self, entry: Entry, until: int) -> None:
        for item in self.items.values():
            item.begin(entry.offset, entry.log_time_ms)
            if item.tick(until):
                item.finish()
