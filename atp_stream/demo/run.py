"""The demo: a whole installation for some seconds, a crash in the middle of it, and the books in the end."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

from rich.console import Console

from atp_stream import provision
from atp_stream.access import KafkaAccess, RegistryAccess
from atp_stream.demo.show import Show
from atp_stream.demo.stream import Outputs, Sender, avro_writer
from atp_stream.demo.traffic import Traffic, item_names
from atp_stream.demo.workers import Worker, all_owned, supervise
from atp_stream.devstack import Stack
from atp_stream.oracle import Names, Report, audit
from atp_stream.settings import Settings
from atp_stream.topics import LOG_PARTITIONS, Topics

TENANT = "demo"
_SESSION_S = 4.0  # so that a crash is noticed while somebody watches
_READY_S = 40.0
_TAKEOVER_S = 25.0
_BACK_S = 25.0
_DRAIN_S = 25.0
_SETTLED_S = 2.0  # what would come late and twice has come by then
_ENDS = (signal.SIGTERM, signal.SIGHUP)
_IDLE_RATE = 0.1  # of the rate, after the verdict


class DemoError(Exception):
    """The demo cannot go on; the text is one line that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How long, how many messages a second, whether to stay until Ctrl-C, and whether stdout is for a program."""

    seconds: float = 15.0
    rate: float = 200.0
    keep: bool = False
    quiet: bool = False


def book_names(settings: Settings) -> Names:
    """Return the names of the topics, as the books want them."""
    topics = Topics.of(settings)
    named = {f.name: getattr(topics, f.name).name for f in fields(Names) if f.name != "tenant"}
    return Names(tenant=settings.default_tenant, **named)


def run(settings: Settings, options: Options) -> Report:
    """Run the demo in a directory of its own, leave nothing behind, and return what the books say.

    Raises:
        DemoError, StackError, ProvisionError: something does not start.
        KeyboardInterrupt: it was stopped before there was a verdict.
    """
    with _signals(), Demo(settings, options) as demo:
        try:
            demo.start_stack()
            asyncio.run(demo.play())
        except KeyboardInterrupt:
            if demo.report is None:
                raise
    if demo.report is None:
        raise DemoError("there was no verdict")
    if demo.stays:  # what was shown since has moved it up
        for line in demo.report.verdict():
            demo.show.say(line)
    return demo.report


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Let a polite request to end, or the end of the terminal, clean up as Ctrl-C does."""
    wanted = [number for number in _ENDS if signal.getsignal(number) is not signal.SIG_IGN]  # nohup's wish counts
    with _handled(wanted, _interrupt):
        yield


@contextlib.contextmanager
def _handled(
    numbers: Iterable[signal.Signals], handler: Callable[[int, object], None] | signal.Handlers
) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, known in before.items():
            signal.signal(number, known)


def _interrupt(number: int, frame: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell starts what it puts into the background
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


class Demo:
    """All that the demo starts; as a context, all of it ends with it."""

    def __init__(self, settings: Settings, options: Options) -> None:
        self.options = options
        self.report: Report | None = None
        self._java = settings.java_dir
        self._base = settings
        self._directory = Path(tempfile.mkdtemp(prefix="atp-demo-"))
        self._stack = Stack(self._directory / "stack", settings.java_dir)
        self._workers: list[Worker] = []
        console = Console(stderr=options.quiet, highlight=False, soft_wrap=True)
        self.show = Show(self._workers, item_names(), console=console)
        self.stays = options.keep or self.show.live
        self.settings = settings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A second Ctrl-C must not leave things behind.
        with _handled((signal.SIGINT, *_ENDS), signal.SIG_IGN):
            for child in (*(worker.child for worker in self._workers), self._stack.broker, self._stack.registry):
                child.kill()  # the data goes, too: there is nothing to close in order
            shutil.rmtree(self._directory, ignore_errors=True)

    def start_stack(self) -> None:
        """Start broker and registry, from this thread: they end with it."""
        began = time.monotonic()
        self.show.say("starting Kafka and the schema registry")
        self._stack.start()
        self.show.say(f"  up after {time.monotonic() - began:.1f} s at {self._stack.bootstrap}")
        self.settings = replace(
            self._base,
            brokers=(self._stack.bootstrap,),
            registry_url=self._stack.registry_url,
            default_tenant=TENANT,
            session_timeout=_SESSION_S,
            web_url="",
            replication_factor=1,
            min_isr=1,
        )

    async def play(self) -> None:
        """Play the whole piece."""
        made = await provision.initialise(self.settings)
        self.show.say(f"atp init: {len(made.findings)} topics, schemas and first records made")
        supervisor = await self._start_workers()
        try:
            await self._act()
        finally:
            supervisor.cancel()

    async def _start_workers(self) -> asyncio.Task[None]:
        variables = {
            "ATP_BROKER": self.settings.bootstrap,
            "ATP_REGISTRY_URL": self.settings.registry_url,
            "ATP_DEFAULT_TENANT": TENANT,
            "ATP_SESSION_TIMEOUT": f"{_SESSION_S:g}",
            "ATP_WEB_URL": "",
        }
        for name in ("worker-1", "worker-2"):
            self._workers.append(Worker(name, self._directory / name, variables))
            self._workers[-1].start()
        supervisor = asyncio.create_task(supervise(self._workers))
        took = await all_owned(self._workers, LOG_PARTITIONS, seconds=_READY_S)
        if took is None:
            supervisor.cancel()
            raise DemoError(f"the workers do not get ready: {self._last_words()}")
        self.show.say(f"two workers ready after {took:.1f} s; look at:")
        self._say_where()
        return supervisor

    def _say_where(self) -> None:
        for worker in self._workers:
            self.show.say(f"  {worker.url}/ in a browser   {worker.url}/atp/{TENANT}/sku-001")

    def _last_words(self) -> str:
        lines = [line for w in self._workers for line in w.child.log.read_text(errors="replace").splitlines()[-1:]]
        return "; ".join(lines)[:300]

    async def _act(self) -> None:
        frame = await asyncio.to_thread(avro_writer, self.settings)
        async with Sender(self.settings, self.show) as sender, Outputs(self.settings, self.show):
            with self.show:
                crash = asyncio.create_task(self._crash(self.options.seconds / 2))
                traffic = Traffic(frame=frame)
                self.show.say(f"sending {self.options.rate:g} messages a second for {self.options.seconds:g} s")
                try:
                    await sender.run(traffic, rate=self.options.rate, seconds=self.options.seconds)
                    await crash
                finally:
                    crash.cancel()
                self.report = await self._verdict()
            for line in self.report.lines():
                self.show.say(line)
            if self.stays:
                await self._stay(sender, traffic)

    async def _crash(self, after: float) -> None:
        """Kill a worker with -9, see the other take over, and let the supervisor start the first one again."""
        await asyncio.sleep(after)
        victim = max(self._workers, key=lambda worker: len(worker.partitions))
        others = [worker for worker in self._workers if worker is not victim]
        victim.held_back = True
        self.show.say(f"kill -9 {victim.name} (pid {victim.child.pid}), which had partitions {victim.partitions}")
        await asyncio.to_thread(victim.child.kill)
        victim.partitions = []
        took = await all_owned(others, LOG_PARTITIONS, seconds=_TAKEOVER_S)
        words = "has not taken over" if took is None else f"took over all partitions after {took:.1f} s"
        self.show.say(f"{others[0].name} {words}; {victim.name} is started again")
        victim.held_back = False
        if await all_owned(self._workers, LOG_PARTITIONS, seconds=_BACK_S, idle=False) is not None:
            self.show.say(f"{victim.name} is back, with partitions {victim.partitions}")

    async def _verdict(self) -> Report:
        """Count until the books balance, and once more when all is quiet; give up after some time."""
        self.show.say("all sent; counting the books, apart from the workers' code")
        began = time.monotonic()
        while True:
            report = await self._audit()
            late = time.monotonic() - began > _DRAIN_S
            if report.balanced:
                await asyncio.sleep(_SETTLED_S)
                report = await self._audit()
            if report.balanced or late:
                return report
            await asyncio.sleep(1.0)

    async def _audit(self) -> Report:
        with RegistryAccess.of(self.settings).client() as registry:
            return await audit(KafkaAccess.of(self.settings), book_names(self.settings), registry=registry)

    async def _stay(self, sender: Sender, traffic: Traffic) -> None:
        self.show.say("all goes on, slowly, until Ctrl-C; look at:")
        self._say_where()
        with contextlib.suppress(asyncio.CancelledError), self.show:
            await sender.run(traffic, rate=max(1.0, self.options.rate * _IDLE_RATE), seconds=None)
