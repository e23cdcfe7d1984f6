"""One program of the stack: started, watched, ended; also from another process than the one that started it.

A program holds a lock on its pid file for as long as it lives (the kernel lets go of it, however it ends). So a pid
file whose lock is held names a live program of ours, and one whose lock is free names nothing: no stale pid is ever
signalled, and two starts on one directory cannot both succeed.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_LAUNCH = Path(__file__).with_name("launch.py")
_POLL_S = 0.02


class StackError(Exception):
    """The stack cannot do what was asked; the text is one line that says why and what to do."""


class AlreadyRunningError(StackError):
    """A program of this directory is alive already."""


class Child:
    """The program `name`, whose pid file and log are in `directory`."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        self._pid_file = directory / f"{name}.pid"
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self, argv: Sequence[str], *, detached: bool = False) -> None:
        """Start the program; its output is appended to the log.

        Unless `detached`, it is killed when the thread that called this ends, however that happens.

        Raises:
            AlreadyRunningError: it runs already.
        """
        with self._pid_file.open("a+") as lock, self.log.open("ab") as log:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunningError(
                    f"{self.name} already runs on {self._pid_file.parent} (pid {self.pid}): "
                    "stop it with `atp stack down`, or use another directory (ATP_STACK_DIR)"
                ) from None
            parent = "0" if detached else str(os.getpid())
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LAUNCH), parent, *argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[lock.fileno()],
                start_new_session=True,
            )
            lock.truncate(0)
            lock.write(str(self._popen.pid))

    @property
    def running(self) -> bool:
        """Whether the program is alive."""
        try:
            with self._pid_file.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        if self._popen is not None:  # it let go of the lock, so it is about to end: leave no zombie
            self._popen.wait()
            self._popen = None
        return False

    @property
    def pid(self) -> int:
        """The pid of the program; only meaningful while it runs."""
        return int(self._pid_file.read_text() or 0)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program, if it lives."""
        if self.running:
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """End the program at once, as a crash would, and return when it is gone."""
        self.signal(signal.SIGKILL)
        if not self._gone(seconds=10):
            raise StackError(f"{self.name} (pid {self.pid}) survives being killed: end it by hand")

    def stop(self, *, grace: float) -> None:
        """Ask the program to end, kill it after `grace` seconds, return when it is gone."""
        self.signal(signal.SIGTERM)
        if not self._gone(seconds=grace):
            self.kill()

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Return when `ready` says so.

        Raises:
            StackError: the program ended, or was not ready in time.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running:
                raise StackError(f"{self.name} ended before it was ready{self._last_words()}; see {self.log}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} was not ready in {seconds:g} s; see {self.log}")
            time.sleep(_POLL_S)

    def _gone(self, *, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.running:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        telling = [line for line in lines if "ERROR" in line or "Exception" in line or line.startswith("Error")]
        return f": {telling[-1].strip()[:200]}" if telling else ""
