"""A midnight in the middle of a run: all clocks are ahead by the same constant.

Days come by log time, which the broker's clock stamps, and most runs of minutes see no midnight. So the brokers are
started with a library that adds a constant to the time of day, and the workers and the load add the same: all agree on
the time, and it never jumps. Without a C compiler only the real midnight comes.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).with_name("ahead.c")
_AHEAD: Final = "CHAOS_AHEAD"
_DAY_S: Final = 86_400
_START_S: Final = 25  # until the load begins

VARIABLES: Final = frozenset({"LD_PRELOAD", _AHEAD})
"""What the brokers inherit; a worker shifts its clock by itself."""


def arrange(directory: Path, seconds: float) -> None:
    """Let brokers that are started from now on have midnight in the middle of a run of so many seconds."""
    compiler = shutil.which("cc")
    if compiler is None or _AHEAD in os.environ:
        return
    library = directory.absolute() / "ahead.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl"], check=True)
    ahead_s = int(_DAY_S - time.time() % _DAY_S - _START_S - seconds / 2) % _DAY_S
    os.environ |= {"LD_PRELOAD": str(library), _AHEAD: str(ahead_s)}


def ahead() -> int:
    """Return how many seconds the clock of the run is ahead."""
    return int(os.environ.get(_AHEAD, "0"))


def now() -> float:
    """Return the time in the run, in seconds since the epoch."""
    return time.time() + ahead()


def coming(seconds: float) -> float | None:
    """Return in how many seconds the arranged midnight comes, None if not within `seconds`."""
    until = _DAY_S - now() % _DAY_S
    return until if ahead() and until < seconds else None
