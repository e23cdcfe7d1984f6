"""A command is applied to an item that is ready for it, counted, and followed by what it leads to; or refused."""

from typing import Final

from atp_stream.domain.commands import EditItem
from atp_stream.domain.errors import Refused
from atp_stream.domain.events import Deferred
from atp_stream.domain.fold.bookkeeping import Bookkeeping
from atp_stream.domain.fold.dispatch import ItemCommand, apply_command
from atp_stream.domain.fold.follow_up import start_follow_up
from atp_stream.domain.fold.output import Output
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.policy_history import PolicyHistory
from atp_stream.domain.state.overlay import State
from atp_stream.domain.stock.facts import Outcome

_DUPLICATE: Final = Outcome.DUPLICATE
_PAST: Final = Outcome.PAST


class CommandHandler:
    """Applies commands to the items of one step."""

    def __init__(self, state: State, policies: PolicyHistory, output: Output, books: Bookkeeping) -> None:
        self._tally = state.tally
        self._policies = policies
        self._output = output
        self._books = books

    def handle(self, item: OpenItem, command: ItemCommand, generation: int, deferred: Deferred | None = None) -> None:
        """Apply a command, which came in `generation`, to an item that has begun it."""
        item.stock.live_by(item.rules.stock, generation)
        version = self._policies.as_of(max(item.offset, item.row.policy))
        try:
            outcome = apply_command(item, command, version.policy)
        except Refused as refused:
            self._output.refuse(item.name, item.row.version, item.offset, item.log_time_ms, refused, deferred)
            if refused.reason == "stale":
                item.row.stale += 1
                item.changed = True
            if not item.has_news:
                return
            outcome = Outcome.APPLIED  # what the stock refused has changed a supply
        if outcome is _DUPLICATE or outcome is _PAST:
            self._count(item, outcome)
            return
        if isinstance(command, EditItem) and self._policies.sweep is not None:
            item.pending = self._policies.later(item.name, item.row.own, version.offset)
        self._output.spend(start_follow_up(item))
        item.row.policy = version.offset
        self._books.finish(item)

    def _count(self, item: OpenItem, outcome: Outcome) -> None:
        """Count what changed no number."""
        item.row.duplicates += outcome is _DUPLICATE
        item.row.past += outcome is _PAST
        self._tally.duplicates += outcome is _DUPLICATE
        self._tally.past += outcome is _PAST
        item.changed = True
