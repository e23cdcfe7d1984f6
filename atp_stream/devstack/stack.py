"""The brokers and the registry together, on one directory."""

import json
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from atp_stream.devstack import artifacts, java, kafka, registry, secure
from atp_stream.devstack.child import Child, StackError
from atp_stream.devstack.ports import LOOPBACK, BrokerPorts, answers, claim, free_port

_READY_S = 60.0  # some times what two busy cores need
_GRACE_S = 4.0
_ADDRESSES = "addresses.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The ports of a stack; they are remembered in its directory, so that other processes find them.

    `door_port` is where the registry of a secured stack is reached, 0 where it needs no door.
    """

    brokers: tuple[BrokerPorts, ...]
    registry_port: int
    door_port: int = 0

    @property
    def kafka_port(self) -> int:
        """The port of the first broker."""
        return self.brokers[0].client

    @property
    def door(self) -> int:
        """The port at which the registry is to be asked."""
        return self.door_port or self.registry_port

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Return what a file says, None if there is none that says it in this form."""
        try:
            said: dict[str, Any] = json.loads(file.read_text())
            return cls(**{**said, "brokers": tuple(BrokerPorts(**one) for one in said["brokers"])})
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None


class Stack:
    """Kafka brokers and a schema registry whose files, logs and pids are all under `directory`.

    `start` and `stop`, or `with`, hold it as a whole; as a context it cannot outlive this process. With `detached` it
    stays up until `stop` is called, by this or by any other process with the same directory.
    Data survives a stop. Port 0 means any free one; with several brokers, `kafka_port` is that of the first.
    A `secure` one lets in only whom it knows, and has data of its own.
    """

    def __init__(
        self,
        directory: Path,
        java_dir: Path,
        *,
        kafka_port: int = 0,
        registry_port: int = 0,
        brokers: int = 1,
        secure: bool = False,
        detached: bool = False,
    ) -> None:
        self.directory = directory
        self.java_dir = java_dir
        self.secure = secure
        self._wanted = (kafka_port, registry_port)
        self._detached = detached
        self._addresses_file = directory / _ADDRESSES
        self.brokers = [Child(directory, kafka.name_of(node, brokers)) for node in range(1, brokers + 1)]
        self.registry = Child(directory, "registry")
        self._door = Child(directory, "registry-door")
        self._files = directory / "secure" if secure else directory

    @classmethod
    def last(cls, directory: Path, java_dir: Path) -> Self:
        """Return the stack that was last started on a directory."""
        known = Addresses.read(directory / _ADDRESSES)
        if known is None:
            return cls(directory, java_dir)
        return cls(directory, java_dir, brokers=len(known.brokers), secure=bool(known.door_port))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def broker(self) -> Child:
        """The broker, or the first of several."""
        return self.brokers[0]

    @property
    def vault(self) -> secure.Vault | None:
        """The secrets of a secured stack."""
        return secure.Vault(self._files / "secrets") if self.secure else None

    @property
    def last_addresses(self) -> Addresses | None:
        """The ports that were last used, None if nothing was ever started on this directory."""
        return Addresses.read(self._addresses_file)

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
        """The addresses of the brokers, `host:port,host:port`."""
        return ",".join(f"{LOOPBACK}:{one.client}" for one in self.addresses.brokers)

    @property
    def registry_url(self) -> str:
        """The address of the registry's Confluent-compatible API."""
        known = self.addresses
        scheme = "https" if known.door_port else "http"
        return f"{scheme}://{LOOPBACK}:{known.door}{registry.API}"

    def environment(self, principal: str = secure.ADMIN) -> dict[str, str]:
        """Return the settings with which it is used; those of a principal, if it is secured."""
        if self.vault:
            return secure.environment(self.vault, principal, self.bootstrap, self.registry_url)
        return {"ATP_BROKER": self.bootstrap, "ATP_REGISTRY_URL": self.registry_url}

    def start(self) -> None:
        """Start all and return when all answer.

        Raises:
            StackError: one is already running, cannot start, has its port taken, or Java or its files are missing.
        """
        artifacts.require(self.java_dir)
        java.program()  # raises with the words for it
        self._files.mkdir(parents=True, exist_ok=True)
        for child in (*self.brokers, self.registry):
            if child.running:
                child.start([])  # raises with the words for it
        if self.vault:
            self.vault.make()
        self._choose_ports()
        try:
            self._launch_registry()  # the slower one first
            self.start_broker(*range(len(self.brokers)))
            self._await_registry()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all, gracefully for some seconds, and return when they are gone."""
        for child in self.brokers:
            child.signal(signal.SIGTERM)
        for child in self.brokers:
            child.stop(grace=_GRACE_S)
        self.stop_registry()

    @property
    def copies(self) -> int:
        """How many copies of a topic there are to be."""
        return kafka.copies(len(self.brokers))

    @property
    def copies_in_sync(self) -> int:
        """How many of them must have a write."""
        return kafka.copies_in_sync(len(self.brokers))

    def kill_broker(self, *numbers: int) -> None:
        """End brokers as a crash would (kill -9), all at once; the first one if none is named."""
        for number in numbers or (0,):
            self.brokers[number].signal(signal.SIGKILL)
        for number in numbers or (0,):
            self.brokers[number].kill()

    def launch_broker(self, *numbers: int) -> None:
        """Start brokers again on their data and ports, the first one if none is named; `status` shows the rest."""
        for number in numbers or (0,):
            broker = self._kafka(number)
            broker.configure()
            self.brokers[number].start(broker.argv(short_lived=not self._detached), detached=self._detached)

    def start_broker(self, *numbers: int) -> None:
        """Start brokers again on their data and ports, and return when they answer; the first one if none is named."""
        self.launch_broker(*numbers)
        for number in numbers or (0,):
            self.brokers[number].wait_until(self._kafka(number).answers, seconds=_READY_S)

    def stop_registry(self) -> None:
        """End the registry."""
        self._door.stop(grace=_GRACE_S)
        self.registry.stop(grace=_GRACE_S)

    def start_registry(self) -> None:
        """Start the registry again with the schemas and ids that it had, and return when it answers."""
        self._launch_registry()
        self._await_registry()

    def status(self) -> dict[str, bool]:
        """Say of each program whether it answers now."""
        known = self.last_addresses
        up = {
            child.name: known is not None and child.running and self._kafka(number).answers()
            for number, child in enumerate(self.brokers)
        }
        return {**up, "registry": known is not None and self._registry_answers(known)}

    def _choose_ports(self) -> None:
        kafka_port, registry_port = self._wanted
        registry_port = claim(registry_port, "--registry-port")
        addresses = Addresses(
            brokers=tuple(
                BrokerPorts(
                    client=free_port() if number else claim(kafka_port, "--kafka-port"),
                    controller=free_port(),
                    ssl=free_port() if self.secure else 0,
                    sasl_plaintext=free_port() if self.secure else 0,
                )
                for number in range(len(self.brokers))
            ),
            registry_port=free_port() if self.secure else registry_port,
            door_port=registry_port if self.secure else 0,
        )
        self._addresses_file.write_text(json.dumps(asdict(addresses)))

    def _kafka(self, number: int) -> kafka.Kafka:
        ports = dict(enumerate(self.addresses.brokers, start=1))
        return kafka.Kafka(self._files, self.java_dir, number + 1, ports, self.vault)

    def _launch_registry(self) -> None:
        data = self._files / "registry"
        data.mkdir(exist_ok=True)
        known = self.addresses
        self.registry.start(registry.argv(self.java_dir, data, known.registry_port), detached=self._detached)
        if self.vault:
            self._door.start(
                registry.door_argv(known.door_port, known.registry_port, self.vault.directory), detached=self._detached
            )

    def _await_registry(self) -> None:
        known = self.addresses
        self.registry.wait_until(lambda: registry.answers(known.registry_port), seconds=_READY_S)
        if known.door_port:
            self._door.wait_until(lambda: answers(known.door_port), seconds=_READY_S)

    def _registry_answers(self, known: Addresses) -> bool:
        door = not known.door_port or (self._door.running and answers(known.door_port))
        return door and self.registry.running and registry.answers(known.registry_port)
