"""The broker and the registry together, on one directory."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from atp_stream.devstack import artifacts, java, kafka, registry
from atp_stream.devstack.child import Child, StackError
from atp_stream.devstack.ports import LOOPBACK, claim, free_port

_READY_SECONDS = 60.0  # some times what two busy cores need
_GRACE_SECONDS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The ports of a stack; they are remembered in its directory, so that other processes find them."""

    kafka_port: int
    controller_port: int
    registry_port: int


class Stack:
    """A Kafka broker and a schema registry whose files, logs and pids are all under `directory`.

    `start` and `stop`, or `with`, hold it as a whole; as a context it cannot outlive this process. With `detached` it
    stays up until `stop` is called, by this or by any other process with the same directory.
    Data survives a stop. Port 0 means any free one; `kill_broker` and `start_broker` keep the port.
    """

    def __init__(
        self,
        directory: Path,
        java_dir: Path,
        *,
        kafka_port: int = 0,
        registry_port: int = 0,
        detached: bool = False,
    ) -> None:
        self.directory = directory
        self.java_dir = java_dir
        self._wanted = (kafka_port, registry_port)
        self._detached = detached
        self._kafka = kafka.Kafka(directory, java_dir)
        self._addresses_file = directory / "addresses.json"
        self.broker = Child(directory, "kafka")
        self.registry = Child(directory, "registry")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def last_addresses(self) -> Addresses | None:
        """The ports that were last used, None if nothing was ever started on this directory."""
        try:
            return Addresses(**json.loads(self._addresses_file.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    @property
    def addresses(self) -> Addresses:
        """The ports.

        Raises:
            StackError: nothing was ever started on this directory.
        """
        known = self.last_addresses
        if known is None:
            raise StackError(f"no stack was started on {self.directory.absolute()}: run `atp stack up`")
        return known

    @property
    def bootstrap(self) -> str:
        """The address of the broker, `host:port`."""
        return f"{LOOPBACK}:{self.addresses.kafka_port}"

    @property
    def registry_url(self) -> str:
        """The address of the registry's Confluent-compatible API."""
        return f"http://{LOOPBACK}:{self.addresses.registry_port}{registry.API}"

    def start(self) -> None:
        """Start both and return when both answer.

        Raises:
            StackError: one is already running, cannot start, has its port taken, or Java or its files are missing.
        """
        artifacts.require(self.java_dir)
        java.program()  # raises with the words for it
        self.directory.mkdir(parents=True, exist_ok=True)
        for child in (self.broker, self.registry):
            if child.running:
                child.start([])  # raises with the words for it
        self._choose_ports()
        try:
            self._launch_registry()  # the slower one first
            self._launch_broker()
            self._await_broker()
            self._await_registry()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End both, gracefully for some seconds, and return when they are gone."""
        self.broker.stop(grace=_GRACE_SECONDS)
        self.stop_registry()

    def kill_broker(self) -> None:
        """End the broker as a crash would (kill -9)."""
        self.broker.kill()

    def start_broker(self) -> None:
        """Start the broker again on its data and port, and return when it answers."""
        self._launch_broker()
        self._await_broker()

    def stop_registry(self) -> None:
        """End the registry."""
        self.registry.stop(grace=_GRACE_SECONDS)

    def start_registry(self) -> None:
        """Start the registry again with the schemas and ids that it had, and return when it answers."""
        self._launch_registry()
        self._await_registry()

    def status(self) -> dict[str, bool]:
        """Say of each program whether it answers now."""
        ports = self.last_addresses
        if ports is None:
            return {"kafka": False, "registry": False}
        return {
            "kafka": self.broker.running and kafka.answers(ports.kafka_port),
            "registry": self.registry.running and registry.answers(ports.registry_port),
        }

    def _choose_ports(self) -> None:
        kafka_port, registry_port = self._wanted
        addresses = Addresses(
            kafka_port=claim(kafka_port, "--kafka-port"),
            registry_port=claim(registry_port, "--registry-port"),
            controller_port=free_port(),
        )
        self._addresses_file.write_text(json.dumps(asdict(addresses)))

    def _launch_broker(self) -> None:
        ports = self.addresses
        self._kafka.configure(port=ports.kafka_port, controller_port=ports.controller_port)
        self.broker.start(self._kafka.argv(short_lived=not self._detached), detached=self._detached)

    def _await_broker(self) -> None:
        port = self.addresses.kafka_port
        self.broker.wait_until(lambda: kafka.answers(port), seconds=_READY_SECONDS)

    def _launch_registry(self) -> None:
        data = self.directory / "registry"
        data.mkdir(exist_ok=True)
        port = self.addresses.registry_port
        self.registry.start(registry.argv(self.java_dir, data, port), detached=self._detached)

    def _await_registry(self) -> None:
        port = self.addresses.registry_port
        self.registry.wait_until(lambda: registry.answers(port), seconds=_READY_SECONDS)
