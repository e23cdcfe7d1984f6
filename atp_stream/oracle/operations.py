"""What operators do to one item: its own rules, and what is granted to its quotas."""

from collections.abc import Mapping
from typing import Any, Final

from atp_stream.oracle.policy import WHOLE, Rules, contradicts, merged
from atp_stream.oracle.supplies import Denied, Supplies

MAX_CHANGES: Final = 64
"""So many changes are known by their ids, so that the same one again changes nothing."""

OPERATIONS: Final = {"policy", "edit_policy", "edit_item", "grant", "revoke", "move"}
"""The commands of operators that are in the log because of a message."""


class Operations(Supplies):
    """One item, and what operators want of it."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.own: Mapping[str, Any] | None = None  # what was written for this item alone
        self._known_changes: list[Any] = []

    def operated(self, said: Mapping[str, Any], place: int, log_time_ms: int, written: Mapping[str, Any]) -> bool:
        """Do what an operator asks; False if that was done before. `written` is what the document says of this item.

        Raises:
            Denied: it must be refused, and changes nothing.
        """
        self.begin(place, log_time_ms)
        if said["at"] > log_time_ms * 1000 + self.rules.tolerance_us:
            raise Denied("future")
        if said["event_id"] in self._known_changes:
            self.duplicates += 1
            return False
        if said["command"] == "edit_item":
            own = merged(written if self.own is None else self.own, said["patch"])
            if contradicts(own):
                raise Denied("policy_invalid")
            self.own = own
        else:
            self._change_grants(said)
        self._known_changes = [*self._known_changes, said["event_id"]][-MAX_CHANGES:]
        if said["command"] != "edit_item":
            self.done(place)
        return True

    def _change_grants(self, said: Mapping[str, Any]) -> None:
        channel = self._require_quota(said["channel"])
        left = self._quota(channel).left
        match said["command"]:
            case "grant":
                self.granted[channel] += self._granted(channel, said)
            case "revoke":
                self.granted[channel] -= min(left, said.get("quantity", left))
            case _:
                to = self._require_quota(said["to"])
                if said["quantity"] > left:
                    raise Denied("not_enough_granted")
                self.granted[channel] -= said["quantity"]
                self.granted[to] += said["quantity"]

    def _granted(self, channel: str, said: Mapping[str, Any]) -> int:
        units, percent = said.get("quantity"), said.get("percent")
        if (units is None) == (percent is None):
            raise Denied("bad_grant")
        if percent is None:
            return int(units or 0)
        return self.rules.whole(max(self._free() * int(percent) // WHOLE, self.rules.rule(channel).minimum))

    def _require_quota(self, name: str) -> str:
        channel = self.rules.meant(name)
        if channel not in self.channels:
            raise Denied("unknown_channel")
        if self.rules.thawed(channel) != "QUOTA":
            raise Denied("not_a_quota")
        return channel
