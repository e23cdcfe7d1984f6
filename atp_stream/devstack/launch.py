"""Become another program, one that cannot outlive its parent.

Run as `launch.py PARENT PROGRAM ARGUMENT...`, by path and without the package, so that it costs some milliseconds.
PARENT is the pid to end with, or 0 for a program that stays. The pid of this program is that of the other one, and
inherited descriptors (the lock that says "alive") stay open in it.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Arrange the end, then exec."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if parent and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the request was in place
            sys.exit(1)
    os.execvp(program[0], program)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
