"""The one entrance: folds commands, in the order of the log, into rows and events.

Laws:
- The result is a function of the log alone: how it is cut into steps shows only in how availability is conflated.
- A command is answered, refused or a duplicate; a refused one and a duplicate change no number.
- An item finishes what an earlier command or policy began before its next command.
- A step is bounded: it stops when it has enough output. What is unfinished is rows of the state.
- A fault of ours stops one item, not the partition: its commands are deferred, in order, until it is resumed.

Source: docs/rules/identity.md#item-log, docs/rules/identity.md#slices, docs/rules/identity.md#quarantine.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from atp_stream.domain.commands import Entry
from atp_stream.domain.errors import Broken
from atp_stream.domain.events import AnyEvent
from atp_stream.domain.fold.step import Step
from atp_stream.domain.limits import DEFAULT_LIMITS, Limits
from atp_stream.domain.state.overlay import State

__all__ = ["Broken", "Folded", "fold"]

_NONE: Final[Mapping[int, str]] = MappingProxyType({})


class Folded(NamedTuple):
    """How many entries were answered, what happened, and whether to call again even without entries."""

    consumed: int
    events: list[AnyEvent]
    unfinished: bool


def fold(
    state: State, entries: Sequence[Entry], *, broken: Mapping[int, str] = _NONE, limits: Limits = DEFAULT_LIMITS
) -> Folded:
    """Answer as many of `entries` as one step may, and leave the changed rows in `state.changed`.

    The caller commits rows and events together and goes on with the rest over a fresh State. Raises Broken when a
    fault of ours shows: then the caller forgets this state and calls again over the same committed rows, with what
    Broken says added to `broken`; the item that it befell is quarantined. A fault that even that cannot contain is
    raised as it is.
    """
    step = Step(state, broken, limits)
    step.go_on()
    consumed = 0
    for entry in entries:
        if not step.take(entry):
            break
        consumed += 1
    step.publish()
    return Folded(consumed, step.events, step.unfinished())
