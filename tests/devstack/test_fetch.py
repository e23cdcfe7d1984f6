"""Kafka and the registry come whole or not at all, from a Maven repository that may be slow, wrong, or away."""

import gc
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from atp_stream.devstack import StackError, artifacts
from atp_stream.devstack.artifacts import Artifact
from atp_stream.devstack.fetch import fetch
from atp_stream.devstack.ports import free_port
from tests.conftest import JAVA


def archive():
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        inside = tarfile.TarInfo("app-runner.jar")
        inside.size = 6
        tar.addfile(inside, io.BytesIO(b"runner"))
    return written.getvalue()


JAR = b"a jar" * 100
ARCHIVE = archive()
FILES = {
    "/org/apache/kafka/broker/4.1.2/broker-4.1.2.jar": JAR,
    "/io/apicurio/app/2.6.13.Final/app-2.6.13.Final-all.tar.gz": ARCHIVE,
}


def artifact(content, **coordinates):
    return Artifact(**coordinates, size=len(content), sha256=hashlib.sha256(content).hexdigest())


BROKER = artifact(JAR, group="org.apache.kafka", name="broker", version="4.1.2")
APP = artifact(
    ARCHIVE, group="io.apicurio", name="app", version="2.6.13.Final", packaging="tar.gz", classifier="all"
)  # fmt: skip


class Repository:
    """A Maven repository on loopback, which breaks off the file that `cut` names."""

    def __init__(self):
        self.files = dict(FILES)
        self.asked: list[str] = []
        self.cut: str | None = None
        repository = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                repository.asked.append(self.path)
                body = repository.files.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write((body or b"")[: 10 if repository.cut == self.path else None])

            def log_message(self, *_):
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def repository(monkeypatch):
    monkeypatch.setattr(artifacts, "pinned", lambda: (BROKER, APP))
    with Repository() as running:
        yield running


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "with a space" / "java"


def fetched(directory, repository):
    """Fetch, and return how much was announced."""
    pieces: list[int] = []
    fetch(directory, repository=repository.url, advance=pieces.append)
    return sum(pieces)


def refused(directory, url):
    with pytest.raises(StackError) as raised:
        fetch(directory, repository=url, advance=lambda _: None)
    words = str(raised.value)
    del raised
    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # jgo leaves the connection of a download that failed to the garbage collector
    return words


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_what_is_missing_comes_and_the_archive_unpacked(directory, repository):
    size = fetched(directory, repository)

    assert [".lock", "app-2.6.13.Final-all", "broker-4.1.2.jar"] == names(directory)
    assert (JAR, b"runner") == (
        (directory / "broker-4.1.2.jar").read_bytes(),
        (directory / "app-2.6.13.Final-all" / "app-runner.jar").read_bytes(),
    )
    assert len(JAR) + len(ARCHIVE) == size


def test_a_second_fetch_asks_for_nothing(directory, repository):
    fetched(directory, repository)
    repository.asked.clear()

    assert (0, []) == (fetched(directory, repository), repository.asked)


def test_a_file_that_is_not_what_was_pinned_gets_no_name(directory, repository):
    (path,) = (path for path in FILES if "broker" in path)
    repository.files[path] = b"b jar" * 100

    words = refused(directory, repository.url)

    assert "broker-4.1.2.jar" not in names(directory)
    assert words == (
        f"broker-4.1.2.jar from {repository.url} is not what it must be (sha256 "
        f"{hashlib.sha256(b'b jar' * 100).hexdigest()[:16]}..., must be {BROKER.sha256[:16]}...): "
        "try again, or name another repository with ATP_MAVEN_URL"
    )


def test_a_download_that_breaks_off_leaves_nothing_and_the_next_goes_on_with_the_rest(directory, repository):
    (path,) = (path for path in FILES if "broker" in path)
    repository.cut = path
    words = refused(directory, repository.url)
    left = names(directory)

    repository.cut = None
    fetched(directory, repository)

    assert words.startswith(f"broker-4.1.2.jar cannot be fetched from {repository.url} (")
    assert "broker-4.1.2.jar" not in left
    assert ".partial" not in left
    assert [] == artifacts.missing(directory)


def test_what_a_killed_fetch_left_is_in_nobodys_way(directory, repository):
    half = directory / ".partial" / "org" / "apache" / "kafka" / "broker" / "4.1.2" / "broker-4.1.2.jar"
    half.parent.mkdir(parents=True)
    half.write_bytes(JAR[:10])

    fetched(directory, repository)

    assert JAR == (directory / "broker-4.1.2.jar").read_bytes()


def test_a_file_that_was_cut_afterwards_is_fetched_again(directory, repository):
    fetched(directory, repository)
    (directory / "broker-4.1.2.jar").write_bytes(JAR[:10])

    fetched(directory, repository)

    assert JAR == (directory / "broker-4.1.2.jar").read_bytes()


def test_a_repository_without_the_file_is_reported(directory, repository):
    repository.files.clear()

    words = refused(directory, repository.url)

    assert "not found in remote repositories" in words
    assert words.endswith(
        ": try again when the network is there, or name a mirror with ATP_MAVEN_URL; what has come is kept"
    )


def test_a_machine_without_a_network_is_told_what_to_do(directory, monkeypatch):
    monkeypatch.setattr(artifacts, "pinned", lambda: (BROKER,))
    nowhere = f"http://127.0.0.1:{free_port()}"

    assert refused(directory, nowhere) == (
        f"broker-4.1.2.jar cannot be fetched from {nowhere} ([Errno 111] Connection refused): "
        "try again when the network is there, or name a mirror with ATP_MAVEN_URL; what has come is kept"
    )


def test_a_directory_that_cannot_be_made_is_reported(tmp_path, repository):
    (tmp_path / "file").write_text("in the way")

    assert refused(tmp_path / "file" / "java", repository.url) == (
        f"{tmp_path}/file/java cannot be written (Not a directory): ATP_JAVA_DIR names another directory"
    )


def test_without_the_extra_it_is_told_how_to_get_it(directory, monkeypatch):
    monkeypatch.setitem(sys.modules, "jgo.maven", None)  # it cannot be imported

    assert refused(directory, "") == (
        "Kafka and the registry are fetched with jgo, which is not installed: pip install 'atp-stream[stack]'"
    )


def test_the_lock_pins_every_file_by_size_and_checksum():
    pinned = artifacts.pinned()

    assert {len(one.sha256) for one in pinned} == {64}
    assert min(one.size for one in pinned) > 0
    assert len({one.place(Path()) for one in pinned}) == len(pinned)


def test_what_the_tests_run_is_what_the_lock_pins():
    jars = [one for one in artifacts.pinned() if one.packaging == "jar"]

    differing = [
        one.filename for one in jars if one.sha256 != hashlib.sha256((JAVA / one.filename).read_bytes()).hexdigest()
    ]

    assert [] == differing


def test_the_command_fetches_from_the_repository_that_is_named_and_says_so(tmp_path, repository):
    broken = f"http://127.0.0.1:{free_port()}"
    done = subprocess.run(
        [Path(sys.executable).with_name("atp"), "stack", "fetch"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "ATP_JAVA_DIR": str(tmp_path / "java"), "ATP_MAVEN_URL": broken},
    )

    said = done.stderr.splitlines()
    assert (1, "", 2) == (done.returncode, done.stdout, len(said))
    assert said[0] == (f"fetching Kafka 4.1.2 and Apicurio Registry 2.6.13.Final into {tmp_path}/java: 187 MB, once")
    assert f"cannot be fetched from {broken} ([Errno 111] Connection refused)" in said[1]
