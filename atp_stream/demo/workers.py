"""Worker processes that cannot outlive the demo, and the supervisor that starts them again when they end."""

import asyncio
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from atp_stream.devstack.child import Child
from atp_stream.devstack.ports import LOOPBACK, free_port

MAX_RESTARTS = 5  # one that ends so often will not stay
_POLL_S = 0.2
_ANSWER = aiohttp.ClientTimeout(total=1.0)


class Worker:
    """One worker with its own directory and port."""

    def __init__(self, name: str, directory: Path, variables: Mapping[str, str], python: str = sys.executable) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.restarts = 0
        self.held_back = False  # the supervisor leaves it down
        self.partitions: list[int] = []  # as it said last
        directory.mkdir(parents=True)
        self.child = Child(directory, name)
        own = {"ATP_DATA_DIR": str(directory / "data"), "ATP_WEB_PORT": str(self.port), "ATP_WEB_HOST": LOOPBACK}
        # `env` keeps what this process inherited and adds to it: only settings may read the environment.
        settings = [f"{name}={value}" for name, value in {**variables, **own}.items()]
        self._argv = ["env", *settings, python, "-m", "atp_stream", "worker"]

    def start(self) -> None:
        """Start the process."""
        self.child.start(self._argv)

    async def look(self, session: aiohttp.ClientSession) -> bool:
        """Ask the worker how it is; return whether it is ready."""
        try:
            async with session.get(f"{self.url}/health/ready", timeout=_ANSWER) as answer:
                body: dict[str, Any] = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            self.partitions = []
            return False
        self.partitions = body["partitions"] if body["ready"] else []
        return bool(body["ready"])


async def supervise(workers: list[Worker]) -> None:
    """Start every worker that has ended again, and keep in mind what each one says; for ever."""
    async with aiohttp.ClientSession() as session:
        while True:
            for worker in workers:
                if not worker.child.running:
                    worker.partitions = []
                    if not worker.held_back and worker.restarts < MAX_RESTARTS:
                        worker.restarts += 1
                        worker.start()
                else:
                    await worker.look(session)
            await asyncio.sleep(_POLL_S)


async def all_owned(workers: list[Worker], partitions: int, *, seconds: float, idle: bool = True) -> float | None:
    """Wait until `workers` own all partitions between them; return after how many seconds, None if they do not.

    Without `idle` each of them must own some.
    """
    began = time.monotonic()
    while time.monotonic() - began < seconds and all(worker.restarts < MAX_RESTARTS for worker in workers):
        owned = sorted(n for worker in workers for n in worker.partitions)
        if owned == list(range(partitions)) and (idle or all(worker.partitions for worker in workers)):
            return time.monotonic() - began
        await asyncio.sleep(_POLL_S / 2)
    return None
