"""Writes the list of what `atp stack fetch` fetches: run `make lock-java` after a change of a version below.

Maven's rules say which jars belong to Kafka; jgo applies them. Sizes and checksums are of the files as they come.
"""

import hashlib
import tempfile
from pathlib import Path
from typing import Final

from jgo.maven import Artifact, Dependency, MavenContext

from atp_stream.devstack.artifacts import LOCK, REGISTRY

KAFKA: Final = "org.apache.kafka:kafka_2.13:4.1.2"
# Kafka's published artifact has no logging backend, and without one a broker fails silently.
LOGGING: Final = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"
# The archive contains its dependencies, so none are resolved.
APICURIO: Final = "2.6.13.Final"

_HEAD: Final = """\
# What `atp stack fetch` fetches: Maven coordinates, bytes, SHA-256. Made by `make lock-java`.
"""


def main() -> None:
    """Write the lock."""
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch), timeout=60)
        roots = [_root(context, coordinates) for coordinates in (KAFKA, LOGGING)]
        jars = [d.artifact for dependencies in context.resolver.resolve(roots) for d in dependencies]
        archive = context.project("io.apicurio", REGISTRY).at_version(APICURIO).artifact("all", "tar.gz")
        LOCK.write_text(_HEAD + "".join(sorted(_line(artifact) for artifact in (*jars, archive))))


def _root(context: MavenContext, coordinates: str) -> Dependency:
    root = context.create_dependency(coordinates)
    root.raw = True  # otherwise the versions that one root states would apply to the dependencies of the other
    return root


def _line(artifact: Artifact) -> str:
    file = artifact.resolve()
    kind = [artifact.packaging, artifact.classifier] if artifact.classifier else []
    coordinates = ":".join([artifact.groupId, artifact.artifactId, *kind, artifact.version])
    return f"{coordinates} {file.stat().st_size} {hashlib.sha256(file.read_bytes()).hexdigest()}\n"


if __name__ == "__main__":
    main()
