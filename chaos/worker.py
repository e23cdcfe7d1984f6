"""A worker of the product that obeys orders to die: `python -m chaos.worker` for `atp worker`.

Its own variables do not begin with `ATP_`, for a worker refuses those that it does not know.
"""

import os
import sys
import time
from pathlib import Path

from chaos.blind import GUARDS
from chaos.points import Points

ORDER = "CHAOS_ORDER"
"""The file of orders."""
CLOCK = "CHAOS_CLOCK"
"""Seconds by which the clock of this worker is ahead, because that of the run is or because it is wrong."""
BLIND = "CHAOS_BLIND"
"""The guard that is switched off."""


def _shift_clock(seconds: float) -> None:
    true, true_ns = time.time, time.time_ns
    time.time = lambda: true() + seconds
    time.time_ns = lambda: true_ns() + int(seconds * 1e9)


def main() -> None:
    """Run a worker that can be told to die."""
    _shift_clock(float(os.environ.get(CLOCK, "0")))
    Points(Path(os.environ[ORDER])).install()
    if os.environ.get(BLIND):
        GUARDS[os.environ[BLIND]]()
    from atp_stream.cli import main as atp

    sys.argv = ["atp", "worker"]
    atp()


if __name__ == "__main__":
    main()
