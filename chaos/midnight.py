"""A midnight in the middle of a run: everything goes by a clock that is ahead by one constant.

Days come by log time, which the broker's clock stamps, and a run of minutes sees none as a rule. So the brokers are
started with a library that adds to the time of day, and the workers and the load add the same to theirs: all agree on
what time it is, and nothing jumps. Without a C compiler there is no midnight but the true one.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).with_name("ahead.c")
_AHEAD: Final = "CHAOS_AHEAD"
_DAY: Final = 86_400
_START: Final = 25  # seconds until the load begins

VARIABLES: Final = frozenset({"LD_PRELOAD", _AHEAD})
"""What brokers inherit; a worker adds the same by itself."""


def arrange(directory: Path, seconds: float) -> None:
    """Let the brokers that are started from now on see a midnight in the middle of a run of so many seconds."""
    compiler = shutil.which("cc")
    if compiler is None or _AHEAD in os.environ:
        return
    library = directory.absolute() / "ahead.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl"], check=True)
    ahead_s = int(_DAY - time.time() % _DAY - _START - seconds / 2) % _DAY
    os.environ |= {"LD_PRELOAD": str(library), _AHEAD: str(ahead_s)}


def ahead() -> int:
    """Return by how many seconds the clock of the run is ahead."""
    return int(os.environ.get(_AHEAD, "0"))


def now() -> float:
    """Return what time it is in the run, in seconds since the epoch."""
    return time.time() + ahead()


def coming(seconds: float) -> float | None:
    """Return after how many seconds it is the midnight that was arranged, None if it is not within so many."""
    until = _DAY - now() % _DAY
    return until if ahead() and until < seconds else None
