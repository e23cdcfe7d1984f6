"""Fetching Kafka and the registry from a Maven repository.

A file gets its name only once it is whole and its checksum is right: what has a name can be trusted, and a fetch that
was broken off goes on with what is still missing.
"""

import fcntl
import hashlib
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from atp_stream.devstack.artifacts import Artifact, missing
from atp_stream.devstack.child import StackError

_CONNECTIONS = 8
_SILENCE_S = 60  # a mirror that fetches first may need as long


def fetch(directory: Path, *, repository: str, advance: Callable[[int], object]) -> None:
    """Bring what is missing into `directory`; `advance` is called with the size of each piece that comes.

    An empty `repository` is Maven Central.

    Raises:
        StackError: something cannot be fetched or written, or is not what was pinned. What was whole by then stays.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # of two at a time, one does the work of both
            partial = directory / ".partial"
            shutil.rmtree(partial, ignore_errors=True)  # one that was killed could not clean up
            try:
                _fetch_missing(directory, Repository(repository, partial, advance))
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise StackError(
            f"{directory} cannot be written ({error.strerror or error}): ATP_JAVA_DIR names another directory"
        ) from error


def _fetch_missing(directory: Path, repository: "Repository") -> None:
    wanted = sorted(missing(directory), key=lambda artifact: -artifact.size)  # the longest one first
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        tasks = [pool.submit(_bring, artifact, directory, repository) for artifact in wanted]
        try:
            for task in as_completed(tasks):
                task.result()
        except BaseException:
            repository.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _bring(artifact: Artifact, directory: Path, repository: "Repository") -> None:
    file = repository.download(artifact)
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != artifact.sha256:
        raise StackError(
            f"{artifact.filename} from {repository.name} is not what it must be (sha256 {found[:16]}..., "
            f"must be {artifact.sha256[:16]}...): try again, or name another repository with ATP_MAVEN_URL"
        )
    if artifact.packaging != "jar":
        archive, file = file, file.with_suffix(".unpacked")
        with tarfile.open(archive) as content:
            if hasattr(tarfile, "data_filter"):  # not before Python 3.11.4, and the checksum was right
                content.extraction_filter = tarfile.data_filter
            content.extractall(file)  # noqa: S202
    file.rename(artifact.place(directory))


class Repository:
    """A Maven repository, Maven Central if `url` is empty, and the directory that its files come into."""

    def __init__(self, url: str, directory: Path, advance: Callable[[int], object]) -> None:
        try:
            from jgo.maven import MavenContext, PythonResolver
        except ImportError:
            raise StackError(
                "Kafka and the registry are fetched with jgo, which is not installed: pip install 'atp-stream[stack]'"
            ) from None
        self.name = url or "Maven Central"
        self._advance = advance
        self._stopped = threading.Event()
        self._context = MavenContext(
            PythonResolver(progress_callback=self._progress),
            repo_cache=directory,
            remote_repos={"mirror": url} if url else None,
            timeout=_SILENCE_S,
        )

    def download(self, artifact: Artifact) -> Path:
        """Fetch an artifact and return its file.

        Raises:
            StackError: it cannot be had.
        """
        from requests import RequestException

        component = self._context.project(artifact.group, artifact.name).at_version(artifact.version)
        try:
            return component.artifact(artifact.classifier, artifact.packaging).resolve()
        except (RequestException, RuntimeError) as error:  # no connection; not found or not its own checksum
            raise StackError(
                f"{artifact.filename} cannot be fetched from {self.name} ({_root(error)}): try again when the network "
                "is there, or name a mirror with ATP_MAVEN_URL; what has come is kept"
            ) from error

    def stop(self) -> None:
        """End the downloads under way soon."""
        self._stopped.set()

    @contextmanager
    def _progress(self, filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        def advance(size: int) -> None:
            if self._stopped.is_set():
                raise StackError(f"{filename} was not fetched to the end")
            self._advance(size)

        yield advance


def _root(error: BaseException) -> str:
    """Return the words of what is behind an error: the outer ones repeat them, with much around."""
    while error.__context__:
        error = error.__context__
    return str(error)[:200] or type(error).__name__
