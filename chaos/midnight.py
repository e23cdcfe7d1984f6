"""A midnight in the middle of a run: everything goes by a clock that is ahead by one constant.

Days come by log time, which the broker's clock stamps, and a run of minutes sees none as a rule. So the brokers run under
libfaketime, and the workers and the load add the same to theirs: all agree on what time it is, and nothing jumps.
Without the library there is no midnight but the true one.
"""

import os
import time
from pathlib import Path
from typing import Final

_LIBRARY: Final = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
_SHIFT: Final = "FAKETIME"
_DAY: Final = 86_400
_START: Final = 20  # seconds until the load begins

VARIABLES: Final = frozenset({"LD_PRELOAD", _SHIFT, "DONT_FAKE_MONOTONIC"})
"""What brokers inherit, and Python must not: it sleeps by a call that the library spoils."""


def arrange(seconds: float) -> None:
    """Let what Java is started from now on see a midnight in the middle of a run of so many seconds."""
    if _LIBRARY.exists() and _SHIFT not in os.environ:
        ahead = int(_DAY - time.time() % _DAY - _START - seconds / 2) % _DAY
        os.environ |= {"LD_PRELOAD": str(_LIBRARY), _SHIFT: f"+{ahead}s", "DONT_FAKE_MONOTONIC": "1"}


def ahead() -> int:
    """Return by how many seconds the clock of the run is ahead."""
    return int(os.environ.get(_SHIFT, "0").removesuffix("s"))


def now() -> float:
    """Return what time it is in the run, in seconds since the epoch."""
    return time.time() + ahead()


def coming(seconds: float) -> float | None:
    """Return after how many seconds it is midnight, None if it is not within so many."""
    until = _DAY - now() % _DAY
    return until if until < seconds else None
