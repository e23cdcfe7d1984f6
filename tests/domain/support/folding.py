"""Histories folded in steps of any size, and what is committed of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from atp_stream.domain.commands import Entry
from atp_stream.domain.events import AnyEvent
from atp_stream.domain.limits import Limits
from atp_stream.domain.policy.item_rules import ItemRules
from atp_stream.domain.policy.rules import DEFAULT, Policy, parse
from atp_stream.domain.row_keys import POLICY
from atp_stream.domain.state.rows import Item
from tests.domain.support.log import Log


@contextmanager
def tight_bounds(served: int, enough: int, kept: int = 2) -> Iterator[None]:
    """Let a slice serve so few, a step take no command once it has so much output, and so few commands be kept."""
    before = Log.limits
    Log.limits = Limits(slice=served, step_output=enough, deferred=kept, pending_ticks=kept)
    try:
        yield
    finally:
        Log.limits = before


def one_by_one(entries: list[Entry]) -> Iterator[tuple[Log, Entry, list[AnyEvent]]]:
    """Fold each entry by itself to the end, and look at what it published and at what is committed after it."""
    log = Log()
    for entry in entries:
        first = len(log.steps)
        log.run([entry])
        yield log, entry, [event for step in log.steps[first:] for event in step]


def folded(entries: list[Entry], sizes: list[int] | None = None) -> Log:
    """Fold entries in runs of the given sizes, over and over; without sizes in one run."""
    log, place = Log(), 0
    while place < len(entries):
        size = sizes[len(log.steps) % len(sizes)] if sizes else len(entries)
        log.run(entries[place : place + size])
        place += size
    return log


def items(log: Log) -> dict[str, Item]:
    return {key[:-2]: log.item(key[:-2]) for key in log.rows if key.endswith("|i")}


def policy_of(log: Log) -> Policy:
    """Return the policy that all items live by, now that all work is finished."""
    row = log.read(POLICY)
    return DEFAULT if row is None else parse(bytes(row.document))


def rules_of(log: Log, name: str) -> ItemRules:
    return policy_of(log).rules(name, log.item(name).own)
