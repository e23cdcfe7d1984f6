"""The policies of a partition: the newest, and the earlier ones that some items have still to meet.

Law: every item meets every policy, in the order of the log, before its next command; an item that no command touches
meets it in the sweep, a walk over all items in the order of their keys. When an item meets a policy does not show: it
lies between the same two commands of the item, wherever the sweep is. Source: docs/rules/policy.md#rollout.
"""

from typing import Final, NamedTuple

import msgspec

from atp_stream.domain.commands import EditPolicy, Entry, SetPolicy
from atp_stream.domain.limits import Limits
from atp_stream.domain.names import short_id
from atp_stream.domain.policy.item_rules import ItemRules
from atp_stream.domain.policy.parsing import decode, edited, encode
from atp_stream.domain.policy.rules import DEFAULT, Policy, read
from atp_stream.domain.row_keys import POLICY, SWEEP, policy_key
from atp_stream.domain.state.overlay import State
from atp_stream.domain.state.partition_rows import PolicyRow, Sweep
from atp_stream.domain.state.rows import Item

MAX_KNOWN_CHANGES: Final = 64
"""How many policy changes, of an item or of all others, are known by their event id."""


class PolicyVersion(NamedTuple):
    """A policy, its place in the log, and the input that it came from ("topic/partition/offset", empty if none)."""

    offset: int
    log_time_ms: int
    policy: Policy
    size: int = 0
    source: str = ""


_BEFORE_ALL: Final = PolicyVersion(-1, 0, DEFAULT)


class PolicyHistory:
    """The policies of one partition, as one step sees them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.sweep: Sweep | None = state.get(SWEEP)
        earlier = [] if self.sweep is None else self.sweep.earlier
        self._all = [*(self._at(policy_key(offset)) for offset in earlier), self._at(POLICY)]
        self._tenants: dict[str, tuple[bool, bool]] = {}

    def _at(self, key: str) -> PolicyVersion:
        row: PolicyRow | None = self._state.get(key)
        if row is None:
            return _BEFORE_ALL
        document = bytes(row.document)
        return PolicyVersion(row.offset, row.log_time_ms, read(document), len(document), row.source)

    @property
    def newest(self) -> PolicyVersion:
        """Return the policy in force."""
        return self._all[-1]

    def exceeds(self, limits: Limits) -> bool:
        """Return whether one more policy has to wait for the sweep."""
        size = sum(version.size for version in self._all)
        return len(self._all) > limits.earlier_policies or size > limits.policy_bytes

    def knows(self, event_id: str) -> bool:
        """Return whether a policy change is known already."""
        row: PolicyRow | None = self._state.get(POLICY)
        return row is not None and short_id(event_id) in row.known_changes

    def document(self, command: SetPolicy | EditPolicy) -> bytes:
        """Return the whole document that a command puts in force. Raises PolicyError."""
        if isinstance(command, SetPolicy):
            return bytes(command.document)
        return encode(edited(self.newest.policy.document, command.tenant, bytes(command.patch)))

    def add(self, entry: Entry, document: bytes, event_id: str) -> PolicyVersion:
        """Put a policy in force, and begin a sweep unless one is under way. Raises PolicyError."""
        decode(document)  # what is in force already is read more leniently
        offset, log_time_ms, source = entry.offset, entry.log_time_ms, entry.source.decode()
        policy = read(document)
        row: PolicyRow | None = self._state.get(POLICY)
        known = [*([] if row is None else row.known_changes[1 - MAX_KNOWN_CHANGES :]), short_id(event_id)]
        state, last = self._state, self.newest.offset
        if self.sweep is None:
            self.sweep = Sweep(until=offset)
        self.sweep.earlier.append(last)
        state.put(SWEEP, self.sweep)
        if last >= 0:
            state.put(policy_key(last), state.get(POLICY))
        raw = msgspec.Raw(document)
        state.put(
            POLICY, PolicyRow(offset=offset, log_time_ms=log_time_ms, document=raw, known_changes=known, source=source)
        )
        self._all.append(PolicyVersion(offset, log_time_ms, policy, len(document), source))
        self._tenants.clear()
        return self.newest

    def as_of(self, offset: int) -> PolicyVersion:
        """Return the policy that was in force at a place in the log, as far back as any item needs one."""
        newest = self._all[-1]
        if offset >= newest.offset:
            return newest
        return next((version for version in reversed(self._all) if version.offset <= offset), self._all[0])

    def met(self, name: str, known: int) -> PolicyVersion:
        """Return the policy that an item lives by; `known` is the offset of one that it has surely met."""
        if self.sweep is None:
            return self._all[-1]
        met = self.sweep.until if f"{name}|" < self.sweep.cursor else self.sweep.earlier[0]
        return self.as_of(max(known, met))

    def later(self, name: str, own: str | None, offset: int) -> list[PolicyVersion]:
        """Return the policies behind a place in the log that change an item's rules, oldest first."""
        rules = self.as_of(offset).policy.rules(name, own)
        pending = []
        for version in self._all:
            if version.offset > offset:
                rules, before = version.policy.rules(name, own), rules
                if rules != before:
                    pending.append(version)
        return pending

    def differ(self, name: str) -> bool:
        """Return whether an item's rules may not be the same under all of the policies, whatever is its own."""
        tenant = name.partition("|")[0]
        if tenant not in self._tenants:
            self._tenants[tenant] = self._differ_for(tenant)
        as_a_whole, in_items = self._tenants[tenant]
        if as_a_whole or not in_items:
            return as_a_whole
        rules = self._all[-1].policy.rules(name)
        return any(version.policy.rules(name) != rules for version in self._all[:-1])

    def _differ_for(self, tenant: str) -> tuple[bool, bool]:
        """Return whether a tenant's rules are not the same under all, and whether anything is written for its items."""
        rules = self._all[-1].policy.rules_of_tenant(tenant)
        return (
            any(version.policy.rules_of_tenant(tenant) != rules for version in self._all[:-1]),
            any(version.policy.writes_for_items(tenant) for version in self._all),
        )

    def advance(self, cursor: str) -> None:
        """Note how far the sweep has come."""
        assert self.sweep is not None  # noqa: S101  (only a sweep under way advances)
        self.sweep.cursor = cursor
        self._state.put(SWEEP, self.sweep)

    def finish(self) -> None:
        """End the sweep; if newer policies came meanwhile, begin the next one."""
        assert self.sweep is not None  # noqa: S101  (only a sweep under way ends)
        until = self.sweep.until
        gone = [offset for offset in self.sweep.earlier if offset < until or until == self.newest.offset]
        for offset in gone:
            self._state.delete(policy_key(offset))
        self._all = [version for version in self._all if version.offset >= until]
        self._tenants.clear()
        if until == self.newest.offset:
            self.sweep = None
            self._state.delete(SWEEP)
        else:
            self.sweep = Sweep(until=self.newest.offset, earlier=[version.offset for version in self._all[:-1]])
            self._state.put(SWEEP, self.sweep)


def lived_by(state: State, name: str, item: Item | None) -> tuple[Policy, ItemRules]:
    """Return the policy that an item lives by, whatever sweep is under way, and its rules; None is one to come."""
    policies = PolicyHistory(state)
    policy = (policies.newest if item is None else policies.met(name, item.policy)).policy
    return policy, policy.rules(name, None if item is None else item.own)
