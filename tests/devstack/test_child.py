import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from atp_stream.devstack.child import AlreadyRunningError, Child, StackError
from tests.programs import program

FOREVER = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


@pytest.fixture
def child(tmp_path):
    program = Child(tmp_path, "program")
    yield program
    program.kill()


def test_what_never_started_does_not_run(child):
    assert not child.running


def test_a_started_program_runs_until_it_is_stopped(child):
    child.start(FOREVER)
    before = child.running

    child.stop(grace=5)

    assert (True, False) == (before, child.running)


def test_a_program_is_seen_and_stopped_by_one_that_did_not_start_it(child, tmp_path):
    child.start(FOREVER)
    other = Child(tmp_path, "program")
    before = other.running

    other.stop(grace=5)

    assert (True, False) == (before, child.running)


def test_a_second_start_on_one_directory_is_refused(child, tmp_path):
    child.start(FOREVER)

    with pytest.raises(AlreadyRunningError, match=rf"program already runs on .* \(pid {child.pid}\): stop it with"):
        Child(tmp_path, "program").start(FOREVER)


def test_a_refused_start_leaves_the_first_program_known(child, tmp_path):
    child.start(FOREVER)
    pid = child.pid
    with pytest.raises(AlreadyRunningError):
        Child(tmp_path, "program").start(FOREVER)

    assert pid == child.pid


def test_a_program_that_ends_by_itself_is_not_running(child):
    child.start([sys.executable, "-c", "pass"])

    child.wait_until(lambda: not child.running, seconds=5)

    assert not child.running


def test_a_pid_file_without_a_program_names_nobody(child, tmp_path):
    (tmp_path / "program.pid").write_text("1")  # a pid that lives, but is not ours

    child.kill()

    assert not child.running


def test_a_program_that_ignores_the_request_is_killed_after_the_grace(child):
    child.start(DEAF)
    child.wait_until(lambda: "deaf" in child.log.read_text(), seconds=5)

    child.stop(grace=0.1)

    assert not child.running


def test_output_goes_to_the_log(child):
    child.start([sys.executable, "-c", "print('out'); import sys; print('err', file=sys.stderr)"])
    child.wait_until(lambda: "err" in child.log.read_text() and "out" in child.log.read_text(), seconds=5)

    assert {"out", "err"} == set(child.log.read_text().split())


def test_a_program_that_ends_before_it_is_ready_says_why(child):
    child.start([sys.executable, "-c", "raise SystemExit('ERROR no disk')"])

    with pytest.raises(StackError, match=r"program ended before it was ready: ERROR no disk; see .*program\.log"):
        child.wait_until(lambda: False, seconds=5)


def test_a_program_that_is_never_ready_is_given_up(child):
    child.start(FOREVER)

    with pytest.raises(StackError, match=r"program was not ready in 0\.1 s"):
        child.wait_until(lambda: False, seconds=0.1)


PARENT = """
import sys, time
from pathlib import Path
from atp_stream.devstack.child import Child
Child(Path(sys.argv[1]), "program").start([sys.executable, "-c", "import time; time.sleep(60)"], detached={detached})
print("started", flush=True)
time.sleep(60)
"""


def killed_parent(directory: Path, *, detached: bool) -> None:
    source = PARENT.format(detached=detached)
    with program([sys.executable, "-c", source, str(directory)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        parent.send_signal(signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_parent_leaves_no_program(child, tmp_path):
    killed_parent(tmp_path, detached=False)

    deadline = time.monotonic() + 5
    while child.running and time.monotonic() < deadline:
        time.sleep(0.01)

    assert not child.running


def test_a_detached_program_outlives_its_parent(child, tmp_path):
    killed_parent(tmp_path, detached=True)
    time.sleep(0.2)

    assert child.running
