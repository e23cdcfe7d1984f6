"""Worker processes, and the supervisor that starts again what ends."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from atp_stream.devstack import launch
from atp_stream.devstack.ports import LOOPBACK, free_port
from chaos import midnight
from chaos import worker as entry
from chaos.points import RESTORED

EXIT_GAVE_UP: Final = 70
_RESTART_S: Final = 0.3
_ANSWER_S: Final = 2.0
_NOTICED_FILES: Final = ("*.sst", "*.log", "MANIFEST-*", "CURRENT")  # a fault in another file may go unnoticed


class Exit(NamedTuple):
    """How a worker ended by itself: `at` so many seconds of the run, with which exit code and last words."""

    at: float
    worker: str
    code: int
    words: str


class Worker:
    """One worker process with its own directory and port; `wanted` lets the supervisor keep it running."""

    def __init__(self, name: str, directory: Path, variables: Mapping[str, str]) -> None:
        self.name = name
        self.disk = directory / "disk"
        self.data = self.disk / "data"
        self.log = directory / "worker.log"
        self.instruction = directory / "instruction"
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.wanted = False
        self.starts = 0
        self.clock = 0  # seconds by which it is wrong
        self.next_instruction = ""  # which point and what to do there, from its next start on
        directory.mkdir(parents=True, exist_ok=True)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ATP_") and name not in midnight.VARIABLES
        }
        own = {
            "ATP_DATA_DIR": str(self.data),
            "ATP_WEB_PORT": str(self.port),
            "ATP_WEB_HOST": LOOPBACK,
            "ATP_LOG_FORMAT": "console",
            entry.INSTRUCTION: str(self.instruction),
        }
        self._variables = {**inherited, **variables, **own}
        self._process: subprocess.Popen[bytes] | None = None
        self._said = 0  # bytes of the log that belong to earlier starts

    def start(self) -> None:
        """Start the process; it cannot outlive the thread that called this."""
        self.wanted = True
        self.starts += 1
        self.instruction.unlink(missing_ok=True)
        self.instruction.with_name(RESTORED).unlink(missing_ok=True)
        if self.next_instruction:
            self.instruction.write_text(self.next_instruction)
            self.next_instruction = ""
        self._said = self.log.stat().st_size if self.log.exists() else 0
        argv = [sys.executable, "-I", "-S", str(launch.__file__), str(os.getpid())]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*argv, sys.executable, "-m", "chaos.worker"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**self._variables, entry.CLOCK: str(midnight.ahead() + self.clock)},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The id of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self.code is None

    @property
    def frozen(self) -> bool:
        """Whether it was stopped by a signal."""
        assert self._process is not None
        try:
            return Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        except FileNotFoundError:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash would."""
        self.signal(signal.SIGKILL)
        self.ended(10)

    def ended(self, seconds: float) -> bool:
        """Wait until it has ended; return whether it has."""
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def instruct(self, point: str, act: str) -> None:
        """Instruct it what to do when it reaches a point."""
        draft = self.instruction.with_suffix(".draft")
        draft.write_text(f"{point} {act}")
        draft.replace(self.instruction)

    def said(self) -> str:
        """Return its log since the last start."""
        with self.log.open("rb") as log:
            log.seek(self._said)
            return log.read().decode(errors="replace")

    def last_words(self) -> str:
        """Return the line that says why it ended, or else its last one."""
        lines = [line for line in self.said().splitlines() if line.strip()]
        telling = [line for line in lines if "giving up" in line or line.startswith("atp: ")]
        return (telling or lines or [""])[-1].strip()[:300]

    def get(self, path: str) -> tuple[int, Any]:
        """Return status and JSON body of a view; status 0 if nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=_ANSWER_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, None
        except (OSError, ValueError):
            return 0, None

    def partitions(self) -> list[int]:
        """Return the log partitions that it answers for; none while it is not ready."""
        status, body = self.get("/health/ready")
        return list(body["partitions"]) if status == 200 and body["ready"] else []

    def restored(self) -> int:
        """Return how many changelog records it has read since its start."""
        path = self.instruction.with_name(RESTORED)
        return int(path.read_text()) if path.exists() else 0

    def wipe(self) -> None:
        """Remove its directory."""
        shutil.rmtree(self.data, ignore_errors=True)

    def corrupt(self, chance: random.Random) -> str:
        """Spoil one file of its databases, and return its name."""
        files = sorted(
            path
            for kind in _NOTICED_FILES
            for path in self.data.rglob(f"*.db/{kind}")
            if path.is_file() and path.stat().st_size
        )
        if not files:
            return "no file"
        path = chance.choice(files)
        whole = path.read_bytes()
        at = chance.randrange(max(1, len(whole)))
        path.write_bytes(whole[:at] + bytes(255 - byte for byte in whole[at : at + 64]) + whole[at + 64 :])
        return path.name


class Fleet:
    """All workers of a run; call `tend` often."""

    def __init__(self, directory: Path, variables: Mapping[str, str]) -> None:
        self._directory = directory
        self._variables = variables
        self._began = time.monotonic()
        self._due: dict[str, float] = {}
        self.workers: list[Worker] = []
        self.exits: list[Exit] = []
        self.restarts = 0

    def add(self) -> Worker:
        """Start one more worker: one that was stopped before, if there is any."""
        idle = [worker for worker in self.workers if not worker.wanted and not worker.running]
        worker = idle[0] if idle else self._new()
        worker.start()
        return worker

    def _new(self) -> Worker:
        name = f"worker-{len(self.workers) + 1}"
        worker = Worker(name, self._directory / name, self._variables)
        self.workers.append(worker)
        return worker

    def tend(self) -> None:
        """Start again what has ended, and note how it ended."""
        now = time.monotonic()
        for worker in self.workers:
            if worker.running or not worker.wanted:
                continue
            if worker.name not in self._due:
                self._due[worker.name] = now + _RESTART_S
                code = worker.code
                assert code is not None
                self.exits.append(Exit(now - self._began, worker.name, code, worker.last_words() if code >= 0 else ""))
            elif now >= self._due[worker.name]:
                del self._due[worker.name]
                self.restarts += 1
                worker.start()

    def wanted(self) -> list[Worker]:
        """Return the workers that are to run."""
        return [worker for worker in self.workers if worker.wanted]

    def awake(self) -> list[Worker]:
        """Return the workers that run and are not frozen."""
        return [worker for worker in self.wanted() if worker.running and not worker.frozen]

    def owned(self) -> list[int]:
        """Return the log partitions that are owned; one that two workers answer for is in it twice."""
        return sorted(number for worker in self.workers if worker.running for number in worker.partitions())

    def wait_ready(self, partitions: int, seconds: float) -> float | None:
        """Tend until all partitions are owned; return how many seconds that took, None if it took too long."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            self.tend()
            if self.owned() == list(range(partitions)):
                return time.monotonic() - began
            time.sleep(0.1)
        return None

    def stop(self, seconds: float = 30.0) -> list[str]:
        """Stop all in order; return the names of those that had to be killed."""
        for worker in self.workers:
            worker.wanted = False
            worker.signal(signal.SIGCONT)
            worker.signal(signal.SIGTERM)
        late = [worker for worker in self.workers if worker.starts and not worker.ended(seconds)]
        for worker in late:
            worker.kill()
        return [worker.name for worker in late]
