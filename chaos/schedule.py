"""When which fault strikes: a pure function of the seed and the length of the run."""

import random
from typing import Final, NamedTuple

from chaos.points import INTAKE, MOVING, STEP

#: What strikes one broker, and what strikes one of several, or more.
BROKER: Final = ("broker_killed", "broker_away", "broker_frozen")
BROKERS: Final = (
    "rolling_restart", "leader_killed", "controller_killed", "broker_frozen", "below_min_isr", "all_killed",
)  # fmt: skip
#: What must happen in a run of minutes beside kills, by name.
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
FIRST: Final = 6.0  # seconds of plain work before the first fault
LAST: Final = 12.0  # and behind the last
KILL_SECONDS: Final = 10.5  # so often at least somebody is killed
_FEW: Final = 3  # faults of brokers in a short run
_SHORTEST_WHOLE: Final = 120.0


class Fault(NamedTuple):
    """What strikes, and when, in seconds of the run."""

    at: float
    name: str


def at_midnight(seconds: float) -> list[Fault]:
    """Return what strikes when a day comes: workers die before, while and after its ticks are worked off."""
    names = ("kill before_commit", "kill after_commit", "kill after_fold", "kill")
    return [Fault(seconds + 0.4 * place, name) for place, name in enumerate(names)]


def plan(seed: int, seconds: float, brokers: int = 1) -> list[Fault]:
    """Return the faults of a run in their order; one under two minutes has only some of them."""
    chance = random.Random(seed)
    whole = seconds >= _SHORTEST_WHOLE
    if whole:
        names = [*OTHERS, *(BROKER if brokers == 1 else BROKERS), *KILLS]
        while sum(name.split()[0] in {"kill", "wipe", "corrupt"} for name in names) < seconds / KILL_SECONDS:
            names.append(chance.choice(KILLS))
    else:
        names = [*SHORT, *(() if brokers == 1 else chance.sample(BROKERS, _FEW))]
    chance.shuffle(names)
    span = max(1.0, seconds - FIRST - (LAST if whole else LAST / 2)) / len(names)
    return [Fault(FIRST + span * (place + chance.uniform(0.0, 0.8)), name) for place, name in enumerate(names)]
