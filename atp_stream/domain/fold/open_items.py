"""The items that one step has opened, each with the policies that it has still to meet."""

from collections.abc import Iterable

from atp_stream.domain.fold.output import Output
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.policy_history import PolicyHistory, PolicyVersion
from atp_stream.domain.state.overlay import State


class OpenItems:
    """The open items of a step by name."""

    def __init__(self, state: State, policies: PolicyHistory, output: Output) -> None:
        self._state = state
        self._policies = policies
        self._output = output
        self._items: dict[str, OpenItem] = {}

    def open(self, name: str) -> OpenItem:
        """Return an item, with the policies that it has still to meet."""
        item = self._items.get(name)
        if item is None:
            policies = self._policies
            item = self._items[name] = OpenItem(
                self._state, name, policies.newest.policy, self._output.events, self._output.limits
            )
            if policies.sweep is not None and not item.is_new and item.row.quarantine is None:
                met, own = policies.met(name, item.row.policy), item.row.own
                item.rules, item.pending = met.policy.rules(name, own), policies.later(name, own, met.offset)
            self._output.spend(len(item.channels))
        return item

    def expect(self, newest: PolicyVersion) -> None:
        """Let the open items meet the policy that was just added, if it says anything new of them."""
        self._items = {name: item for name, item in self._items.items() if not item.is_new}
        for item in self._items.values():
            last = item.pending[-1].policy.rules(item.name, item.row.own) if item.pending else item.rules
            if item.row.quarantine is None and newest.policy.rules(item.name, item.row.own) != last:
                item.pending.append(newest)

    def changed(self) -> Iterable[OpenItem]:
        """Yield the items whose rows are to be put."""
        return (item for item in self._items.values() if item.changed)
