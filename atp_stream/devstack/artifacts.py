"""The jars of Kafka and the archive of the registry: which they are, and whether they are there.

`artifacts.lock` pins each with its size and checksum.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from atp_stream.devstack.child import StackError

LOCK = Path(__file__).with_name("artifacts.lock")
KAFKA = "kafka_2.13"
REGISTRY = "apicurio-registry-app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A line of the lock: Maven coordinates, and what the file must be."""

    group: str
    name: str
    version: str
    packaging: str = "jar"
    classifier: str = ""
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        """The name of the file in a Maven repository."""
        return f"{self.stem}.{self.packaging}"

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return "-".join(filter(None, (self.name, self.version, self.classifier)))

    def place(self, directory: Path) -> Path:
        """Return where it is in `directory`: a jar as it came, an archive unpacked."""
        return directory / (self.filename if self.packaging == "jar" else self.stem)

    def present(self, directory: Path) -> bool:
        """Whether it is in `directory`, as far as its size tells."""
        place = self.place(directory)
        return place.is_dir() or (place.is_file() and place.stat().st_size == self.size)


@cache
def pinned() -> tuple[Artifact, ...]:
    """Return all artifacts of the lock."""
    return tuple(_parse(line) for line in LOCK.read_text().splitlines() if line and not line.startswith("#"))


def _parse(line: str) -> Artifact:
    coordinates, size, sha256 = line.split()
    group, name, *kind, version = coordinates.split(":")
    packaging, classifier = kind or ("jar", "")
    return Artifact(
        group=group, name=name, packaging=packaging, classifier=classifier, version=version,
        size=int(size), sha256=sha256,
    )  # fmt: skip


def of(name: str) -> Artifact:
    """Return the artifact called `name`."""
    return next(artifact for artifact in pinned() if artifact.name == name)


def missing(directory: Path) -> list[Artifact]:
    """Return what is not in `directory`."""
    return [artifact for artifact in pinned() if not artifact.present(directory)]


def require(directory: Path) -> None:
    """Return if all is in `directory`.

    Raises:
        StackError: something is not.
    """
    if missing(directory):
        raise StackError(f"no Kafka and registry in {directory}: run `atp stack fetch`, or say where with ATP_JAVA_DIR")
