"""A worker of the product that can be instructed to die: `python -m chaos.worker` in place of `atp worker`.

Its own variables do not begin with `ATP_`, because a worker refuses unknown ones that do.
"""

import os
import sys
import time
from pathlib import Path

from chaos.blind import GUARDS
from chaos.points import Points

INSTRUCTION = "CHAOS_INSTRUCTION"
"""The file with the instruction."""
CLOCK = "CHAOS_CLOCK"
"""Seconds by which this worker's clock is ahead: as that of the whole run is, or because it is wrong."""
BLIND = "CHAOS_BLIND"
"""The guard that is switched off."""


def _shift_clock(seconds: float) -> None:
    true, true_ns = time.time, time.time_ns
    time.time = lambda: true() + seconds
    time.time_ns = lambda: true_ns() + int(seconds * 1e9)


def main() -> None:
    """Run a worker that can be instructed to die."""
    _shift_clock(float(os.environ.get(CLOCK, "0")))
    Points(Path(os.environ[INSTRUCTION])).install()
    if os.environ.get(BLIND):
        GUARDS[os.environ[BLIND]]()
    from atp_stream.cli import main as atp

    sys.argv = ["atp", "worker"]
    atp()


if __name__ == "__main__":
    main()
