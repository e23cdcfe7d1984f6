"""What the rows of a whole partition hold: policies and their rollout, ticks, the purge, the version of the fold."""

import msgspec

from atp_stream.domain.state.rows import Row


class Pending(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A tick at a place in the log; timers up to `until_us` (microseconds) run out by it."""

    offset: int
    log_time_ms: int
    until_us: int


class Clock(Row):
    """The ticks by which some items may have timers to run out still, oldest first."""

    pending: list[Pending] = msgspec.field(default=[])


class FoldRow(Row):
    """Which version of the fold wrote the rows, and the offset of the first command that it answered.

    What stands earlier in the log was answered by an earlier version, whose rows a fold of today need not give.
    """

    version: int
    since: int


class PurgeRow(Row):
    """How far the purge has come: rows of generations before `below` are gone, those in front of `cursor` as well.

    `timer_us` is the moment, in microseconds, at which the partition wants a tick; None while it has no such rows.
    """

    below: int = 0
    cursor: str = ""
    timer_us: int | None = msgspec.field(default=None, name="timer")


class PolicyRow(Row):
    """A policy as it stood in the log; `known_changes` are the ids of the last changes that made it what it is.

    `source` is the input ("topic/partition/offset") of the last one, empty if an operator appended it.
    """

    offset: int
    log_time_ms: int = msgspec.field(name="log_time")
    document: msgspec.Raw
    known_changes: list[str] = msgspec.field(default=[], name="heard")
    source: str = ""


class Sweep(Row):
    """The walk that makes every item meet the policy at `until`; items in front of `cursor` have met it.

    `earlier` are the offsets of the policies that some items may still have to meet or to leave, oldest first.
    """

    until: int
    cursor: str = ""
    earlier: list[int] = msgspec.field(default=[])
