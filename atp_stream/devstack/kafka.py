"""A Kafka of one node in KRaft mode: its files, its command lines, and the question whether it answers."""

import os
import socket
import struct
import subprocess
from pathlib import Path

from atp_stream.devstack import artifacts, java
from atp_stream.devstack.child import StackError
from atp_stream.devstack.ports import LOOPBACK

# The internal topics are small and the group starts at once, so that a start costs seconds; what a client can see of
# a real broker (transactions, fencing, sessions) is left as it is. Topics are created on purpose, never by a typo.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
listeners=BROKER://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=BROKER://{host}:{port}
inter.broker.listener.name=BROKER
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
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
    """The broker whose files are under `directory` and whose jars are in `java_dir`."""

    def __init__(self, directory: Path, java_dir: Path) -> None:
        self._directory = directory
        jars = [a.place(java_dir.absolute()) for a in artifacts.pinned() if a.packaging == "jar"]
        self._classpath = os.pathsep.join(map(str, jars))  # no more than these: older ones may lie beside them
        self._properties = directory / "server.properties"
        self._logging = directory / "log4j2.properties"
        self._data = directory / "kafka"

    def configure(self, *, port: int, controller_port: int) -> None:
        """Write the configuration, and format the data directory if it is new.

        Raises:
            StackError: Kafka refuses to format it, or there is no Java to run it.
        """
        text = _PROPERTIES.format(host=LOOPBACK, port=port, controller_port=controller_port, data=self._data.absolute())
        self._properties.write_text(text)
        self._logging.write_text(_LOGGING)
        if (self._data / "meta.properties").exists():
            return
        # A fixed cluster id: the directory is what tells one stack from another.
        tool = ["kafka.tools.StorageTool", "format", "-t", "atp-stream-devstack-id", "-c", str(self._properties)]
        done = subprocess.run(self._java(*_QUICK, *tool), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"Kafka cannot format {self._data}: {(done.stderr or done.stdout).strip()[-300:]}")

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
        return [java.program(), "-cp", self._classpath, logging, "-Djava.awt.headless=true", *arguments]


def answers(port: int) -> bool:
    """Whether a broker on `port` of loopback answers a metadata request and knows itself to be a broker."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(struct.pack(">i", len(_METADATA_V1)) + _METADATA_V1)
            reply = connection.recv(65536)
    except OSError:
        return False
    header = struct.calcsize(">iii")  # length, correlation id, number of brokers
    return len(reply) >= header and struct.unpack(">iii", reply[:header])[2] > 0
