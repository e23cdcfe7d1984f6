"""How the key of each row of the state is made, and which kind of row it names.

A row of an item has the item's name and a letter first; one of the partition begins with "|", so that no item's name
can. Keys sort in the order in which their rows are wanted.
"""

from typing import Final

from atp_stream.domain.names import encode

POLICY: Final = "|policy"
SWEEP: Final = "|sweep"
WORK: Final = "|work|"
QUARANTINE: Final = "|quarantine|"
CLOCK: Final = "|clock"
TIMER: Final = "|timer|"

_TOP: Final = 2**63 - 1


def kind_of(key: str) -> str:
    """Return the kind of a row's key: a letter for rows of an item, a name for those of the partition."""
    return key.split("|", 2)[1] if key[0] == "|" else key.split("|", 3)[2]


def policy_key(offset: int) -> str:
    """Return the key of an earlier policy, which some items have still to meet."""
    return f"{POLICY}|{offset}"


def held_key(name: str, offset: int) -> str:
    """Return the key of a command kept for the item `name`; keys sort in the order of the log."""
    return f"{name}|h|{offset:019d}"


def queue_prefix(name: str, channel: str) -> str:
    """Return what the keys of the parts waiting in `channel` begin with."""
    return f"{name}|q|{encode(channel)}|"


def rank(priority: int, offset: int) -> str:
    """Return the place in a queue: higher priority first, then the order of the log.

    A priority beyond 64 bits counts as the last one within them.
    """
    return f"{_TOP - max(-_TOP, min(_TOP, priority)):016x}{offset:016x}"
