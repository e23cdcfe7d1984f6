"""When which fault strikes: a pure function of the seed and the length of the run."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from chaos.points import INTAKE, MOVING, STEP

#: The faults of a single broker, and those of several. One at a time: each waits until the one before has healed.
BROKER: Final = ("broker_killed", "broker_away", "broker_frozen")
BROKERS: Final = (
    "rolling_restart", "leader_killed", "controller_killed", "broker_frozen", "below_min_isr", "all_killed",
)  # fmt: skip
#: The faults beside kills in a run of minutes, by name; one that is listed twice happens twice.
OTHERS: Final = (
    "terminate", "terminate", "freeze", "freeze", "freeze before_commit", "freeze after_commit", "storm", "blackout",
    "disk_full", "registry_away", "clock", "lose before_commit",
    "lose after_commit", "policy", "policy", "policy",
)  # fmt: skip
KILLS: Final = (
    *(f"kill {point}" for point in (*STEP, *INTAKE, *MOVING)), "kill", "kill", "wipe", "corrupt", "kill before_commit",
    "kill after_commit",
)  # fmt: skip
SHORT: Final = ("kill after_commit", "kill before_commit", "kill", "freeze")
FIRST_S: Final = 6.0  # of plain work before the first fault
LAST_S: Final = 12.0  # and after the last one
KILL_INTERVAL_S: Final = 10.5  # at most so long until the next kill, on average
BROKER_FAULT_S: Final = 30.0  # what a fault of a broker takes at least, until all copies are in sync again
_BROKER_ROUND_S: Final = 210.0  # within it each fault of a broker comes once
_SHORT_BROKER_FAULT_S: Final = 14.0
_MIN_WHOLE_S: Final = 120.0


class Fault(NamedTuple):
    """A fault by name, and when it happens, in seconds of the run."""

    at: float
    name: str


def at_midnight(seconds: float) -> list[Fault]:
    """Return the faults of a midnight: workers die before, during and after the work on its ticks."""
    names = ("kill before_commit", "kill after_commit", "kill after_fold", "kill")
    return [Fault(seconds + 0.4 * place, name) for place, name in enumerate(names)]


def plan(seed: int, seconds: float, brokers: int = 1) -> list[Fault]:
    """Return the faults of a run in their order.

    Law: each kind of fault comes once before any comes again, and a run of four minutes has every kind. Faults of
    brokers are spread over the run on their own, because each takes long.
    """
    chance = random.Random(seed)
    whole = seconds >= _MIN_WHOLE_S
    span = max(1.0, seconds - FIRST_S - (LAST_S if whole else LAST_S / 2))
    of_workers = _dealt(chance, _wanted(chance, seconds) if whole else SHORT)
    deck = BROKER if brokers == 1 else BROKERS
    if whole:
        rounds = max(1, int(span / _BROKER_ROUND_S))
        of_brokers = [name for _ in range(rounds) for name in _dealt(chance, deck)][: int(span / BROKER_FAULT_S)]
    else:
        of_brokers = [] if brokers == 1 else _dealt(chance, deck)[: max(1, int(span / _SHORT_BROKER_FAULT_S))]
    return sorted([*_spread(chance, of_workers, span, 0.8), *_spread(chance, of_brokers, span, 0.2)])


def _wanted(chance: random.Random, seconds: float) -> list[str]:
    names = [*OTHERS, *KILLS]
    while sum(name.split()[0] in {"kill", "wipe", "corrupt"} for name in names) < seconds / KILL_INTERVAL_S:
        names.append(chance.choice(KILLS))
    return names


def _dealt(chance: random.Random, names: Sequence[str]) -> list[str]:
    """Return names in random order, but each of them once before any of them again."""
    rest = Counter(names)
    found: list[str] = []
    while rest:
        kinds = sorted(rest)
        chance.shuffle(kinds)
        found += kinds
        rest -= Counter(kinds)
    return found


def _spread(chance: random.Random, names: Sequence[str], span: float, play: float) -> list[Fault]:
    """Spread faults evenly: each has an equal share of the time, and happens in the first part of it."""
    share = span / max(1, len(names))
    return [Fault(FIRST_S + share * (place + chance.uniform(0.0, play)), name) for place, name in enumerate(names)]
