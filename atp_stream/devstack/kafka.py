"""A broker in KRaft mode, which is a controller, too: its files, its command lines, and whether it answers."""

import os
import socket
import ssl
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from atp_stream.devstack import artifacts, java
from atp_stream.devstack.child import StackError
from atp_stream.devstack.ports import LOOPBACK, BrokerPorts
from atp_stream.devstack.secure import Vault, listeners

# The internal topics are small and the group starts at once, so that a start costs seconds; what a client can see of
# a real broker (transactions, fencing, sessions) is left as it is. Topics are created on purpose, never by a typo.
_PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners={listeners}
advertised.listeners={advertised}
inter.broker.listener.name={between}
listener.security.protocol.map={protocols}
log.dirs={data}
log.retention.check.interval.ms=10000
auto.create.topics.enable=false
default.replication.factor={copies}
min.insync.replicas={in_sync}
offsets.topic.num.partitions=3
offsets.topic.replication.factor={copies}
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
replica.lag.time.max.ms=8000
log.cleaner.dedupe.buffer.size=16777216
"""

_LOGGING = """\
status=error
appender.out.type=Console
appender.out.name=OUT
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c{1})%n%throwable
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=OUT
"""

_QUICK = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]  # a start costs two thirds of the CPU, a long run more
_METADATA_V1 = struct.pack(">hhih4si", 3, 1, 1, 4, b"ping", 0)  # api, version, correlation, client id, no topics


class Kafka:
    """A broker whose files are under `directory` and whose jars are in `java_dir`.

    `ports` are those of all brokers of its cluster, by node; with a `vault` it lets in only whom it knows.
    """

    def __init__(
        self, directory: Path, java_dir: Path, node: int, ports: Mapping[int, BrokerPorts], vault: Vault | None = None
    ) -> None:
        self.name = name_of(node, len(ports))
        self._node = node
        self._ports = ports
        self._vault = vault
        jars = [a.place(java_dir.absolute()) for a in artifacts.pinned() if a.packaging == "jar"]
        self._classpath = os.pathsep.join(map(str, jars))  # no more than these: older ones may lie beside them
        self._properties = directory / f"{self.name}.properties"
        self._logging = directory / "log4j2.properties"
        self._data = directory / self.name

    def configure(self) -> None:
        """Write the configuration, and format the data directory if it is new.

        Raises:
            StackError: Kafka refuses to format it, or there is no Java to run it.
        """
        self._properties.touch(mode=0o600)  # there may be passwords in it
        self._properties.write_text(self._text() + (self._vault.properties() if self._vault else ""))
        self._logging.write_text(_LOGGING)
        if (self._data / "meta.properties").exists():
            return
        # A fixed cluster id: the directory is what tells one stack from another.
        tool = ["kafka.tools.StorageTool", "format", "-t", "atp-stream-devstack-id", "-c", str(self._properties)]
        users = self._vault.scram() if self._vault else []
        done = subprocess.run(self._java(*_QUICK, *tool, *users), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"Kafka cannot format {self._data}: {(done.stderr or done.stdout).strip()[-300:]}")

    def _text(self) -> str:
        ports = self._ports[self._node]
        listening = listeners(ports) if self._vault else _open_listeners(ports)
        at = {name: f"{name}://{LOOPBACK}:{port}" for name, (_, port) in listening.items()}
        return _PROPERTIES.format(
            node=self._node,
            voters=",".join(f"{node}@{LOOPBACK}:{one.controller}" for node, one in self._ports.items()),
            listeners=",".join(at.values()),
            advertised=",".join(address for name, address in at.items() if name != "CONTROLLER"),
            between="SSL" if self._vault else "BROKER",
            protocols=",".join(f"{name}:{protocol}" for name, (protocol, _) in listening.items()),
            data=self._data.absolute(),
            copies=copies(len(self._ports)),
            in_sync=copies_in_sync(len(self._ports)),
        )

    def answers(self) -> bool:
        """Whether it answers now."""
        ports = self._ports[self._node]
        return answers(ports.ssl, self._vault.context()) if self._vault else answers(ports.client)

    def argv(self, *, short_lived: bool) -> list[str]:
        """Return the command line of a broker; one that is `short_lived` starts quickly rather than run fast.

        Raises:
            StackError: there is no Java to run it.
        """
        return self._java(
            "-Xms256m", "-Xmx512m", *(_QUICK if short_lived else []), "kafka.Kafka", str(self._properties)
        )

    def _java(self, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._logging.absolute()}"
        flags = ["-Djava.awt.headless=true", *(self._vault.flags() if self._vault else [])]
        return [java.program(), "-cp", self._classpath, logging, *flags, *arguments]


def name_of(node: int, brokers: int) -> str:
    """Return what a broker's directory, log and pid file are called."""
    return "kafka" if brokers == 1 else f"kafka-{node}"


def copies(brokers: int) -> int:
    """Return how many copies of a topic there are on so many brokers."""
    return min(3, brokers)


def copies_in_sync(brokers: int) -> int:
    """Return how many of them must have a write before it counts."""
    return max(1, copies(brokers) - 1)


def _open_listeners(ports: BrokerPorts) -> dict[str, tuple[str, int]]:
    """Return protocol and port of each listener of a broker that lets everybody in."""
    return {"BROKER": ("PLAINTEXT", ports.client), "CONTROLLER": ("PLAINTEXT", ports.controller)}


def answers(port: int, context: ssl.SSLContext | None = None) -> bool:
    """Whether a broker on `port` of loopback answers a metadata request and knows itself to be a broker."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as plain, _wrapped(plain, context) as connection:
            connection.sendall(struct.pack(">i", len(_METADATA_V1)) + _METADATA_V1)
            reply = connection.recv(65536)
    except OSError:
        return False
    header = struct.calcsize(">iii")  # length, correlation id, number of brokers
    return len(reply) >= header and struct.unpack(">iii", reply[:header])[2] > 0


def _wrapped(connection: socket.socket, context: ssl.SSLContext | None) -> socket.socket:
    return context.wrap_socket(connection, server_hostname=LOOPBACK) if context else connection
