"""Apicurio Registry with Confluent's API: its files, its command line, and the question whether it answers."""

import http.client
import os
import sys
from pathlib import Path

from atp_stream.devstack import artifacts, java
from atp_stream.devstack.ports import LOOPBACK

API = "/apis/ccompat/v7"


def argv(java_dir: Path, data: Path, port: int) -> list[str]:
    """Return the command line of the registry; its schemas and their ids are kept under `data`.

    Raises:
        StackError: there is no Java to run it.
    """
    home = artifacts.of(artifacts.REGISTRY).place(java_dir.absolute())
    jar = next(home.glob("apicurio-registry-app-*-runner.jar"))
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
    return [java.program(), *flags, *(f"-D{name}={value}" for name, value in properties.items()), "-jar", str(jar)]


def door_argv(port: int, registry_port: int, secrets: Path) -> list[str]:
    """Return the command line of the door in front of a secured stack's registry."""
    return [sys.executable, "-m", "atp_stream.devstack.registry_door", str(port), str(registry_port), str(secrets)]


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
