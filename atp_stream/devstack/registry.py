"""Apicurio Registry with Confluent's API: its files, its command line, and the question whether it answers."""

import http.client
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from atp_stream.devstack.child import StackError
from atp_stream.devstack.ports import LOOPBACK

API = "/apis/ccompat/v7"


def home(java_dir: Path) -> Path:
    """Return the directory of the unpacked registry; unpack it if this is the first time.

    Raises:
        StackError: there is no archive to unpack.
    """
    target = java_dir / "registry"
    if target.exists():
        return target
    archives = sorted(java_dir.glob("apicurio-registry-app-*-all.tar.gz"))
    if not archives:
        raise StackError(f"no Kafka and registry in {java_dir}: run `make java`, or say where with ATP_JAVA_DIR")
    partial = Path(tempfile.mkdtemp(dir=java_dir, prefix=".registry-"))
    with tarfile.open(archives[-1]) as archive:
        archive.extractall(partial, filter="data")
    try:
        partial.rename(target)
    except OSError:  # another process was quicker
        shutil.rmtree(partial)
    return target


def argv(java_dir: Path, data: Path, port: int) -> list[str]:
    """Return the command line of the registry; its schemas and their ids are kept under `data`.

    Raises:
        StackError: there is no registry to run.
    """
    jar = next(home(java_dir).glob("apicurio-registry-app-*-runner.jar"))
    properties = {
        "quarkus.http.host": LOOPBACK,
        "quarkus.http.port": str(port),
        # The default is a database in memory: a restart would number the schemas anew, under records that name them.
        "quarkus.datasource.jdbc.url": f"jdbc:h2:file:{data.absolute()}{os.sep}registry",
        "quarkus.datasource.jdbc.initial-size": "1",
        "quarkus.datasource.jdbc.min-size": "1",
        "quarkus.datasource.jdbc.max-size": "10",
        "quarkus.banner.enabled": "false",
        "quarkus.log.console.color": "false",
    }
    flags = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    return ["java", *flags, *(f"-D{name}={value}" for name, value in properties.items()), "-jar", str(jar.absolute())]


def answers(port: int) -> bool:
    """Whether a registry on `port` of loopback lists its subjects."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", f"{API}/subjects")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
