"""Rollout: the walk over all items that lets those without a command meet the policies that they have not met.

Source: docs/rules/policy.md#rollout.
"""

from collections.abc import Callable

from atp_stream.domain.fold.open_items import OpenItems
from atp_stream.domain.fold.output import Output
from atp_stream.domain.item.open_item import OpenItem
from atp_stream.domain.item.policy_history import PolicyHistory
from atp_stream.domain.row_keys import WORK, behind_item
from atp_stream.domain.state.overlay import State


class PolicyRollout:
    """The rollout of a partition, as one step sees it."""

    def __init__(self, state: State, policies: PolicyHistory, items: OpenItems, output: Output) -> None:
        self._state = state
        self._policies = policies
        self._items = items
        self._output = output

    def run(self, limit: int, catch_up: Callable[[OpenItem, int], bool]) -> None:
        """Walk on over the items until the step has put out so much, and let each catch up with what it has not met."""
        policies = self._policies
        assert policies.sweep is not None  # noqa: S101  (the caller looked)
        cursor = policies.sweep.cursor
        while self._output.spent < limit:
            key = self._state.after(cursor)
            if key is None:
                policies.finish()
                return
            if key[0] == "|":  # the rows of the partition stand amid the items
                cursor = behind_item("")
                continue
            name = "|".join(key.split("|", 2)[:2])
            # What was deferred before a policy has to be answered while the policies before it are known.
            open_ = policies.differ(name) or self._state.get(WORK + name) is not None
            if open_ and not catch_up(self._items.open(name), limit):
                break
            cursor = behind_item(name)
            self._output.spend()
        policies.advance(cursor)
