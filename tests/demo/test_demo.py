"""The demo as its users meet it: it says that the books balance, and leaves nothing behind."""

import json
import os
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.conftest import JAVA
from tests.demo.screen import screen
from tests.programs import program

pytestmark = [pytest.mark.slow, pytest.mark.stack]
ARGV = [sys.executable, "-m", "atp_stream", "demo", "--seconds", "4", "--rate", "50"]


def surroundings(directory):
    base = {name: value for name, value in os.environ.items() if not name.startswith("ATP_")}
    return {**base, "ATP_JAVA_DIR": str(JAVA), "TMPDIR": str(directory)}


def programs(directory):
    """Return the command lines of all processes that work in a directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes()
        except OSError:
            continue
        if str(directory).encode() in line:
            found.append(line)
    return found


def test_the_demo_balances_its_books_and_leaves_nothing_behind(tmp_path):
    done = subprocess.run(
        [*ARGV, "--json"], env=surroundings(tmp_path), capture_output=True, text=True, check=False, timeout=90
    )

    verdict = json.loads(done.stdout)
    assert (0, True, []) == (done.returncode, verdict["balanced"], verdict["objections"])
    assert (0, 0, 0) == (verdict["lost"], verdict["doubled"], verdict["oversold"])
    assert verdict["commands"] > 150
    assert "took over all partitions" in done.stderr
    assert ([], []) == (list(tmp_path.iterdir()), programs(tmp_path))


def output_of(terminal, *, until="\0", seconds=90.0):
    """Return what is written to a terminal until a word comes, it is closed, or it has taken too long."""
    found, began = "", time.monotonic()
    while until not in found and time.monotonic() - began < seconds:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                found += os.read(terminal, 4096).decode(errors="replace")
            except OSError:  # all have closed it
                break
    return found


def test_on_a_terminal_the_verdict_stays_to_be_read_and_an_interrupt_after_it_is_no_error(tmp_path):
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (40, 80))
    with program(
        ARGV, env={**surroundings(tmp_path), "TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs
    ) as demo:
        os.close(theirs)
        written = output_of(ours, until="until Ctrl-C") + output_of(ours, seconds=2)
        demo.send_signal(signal.SIGINT)
        written += output_of(ours, seconds=15)
        code = demo.wait(timeout=10)
    os.close(ours)

    lines = [line for line in screen(written) if line]
    verdict = ["lost 0, doubled 0, oversold 0", "the books balance"]
    first = lines.index(verdict[0])
    assert (0, verdict, verdict) == (code, lines[first : first + 2], lines[-2:])
    assert first < len(lines) - 10
    assert ([], []) == (list(tmp_path.iterdir()), programs(tmp_path))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("shell", [[], ["sh", "-c", 'trap "" INT; exec "$0" "$@"']], ids=["plain", "background"])
def test_a_request_to_end_leaves_nothing_behind(tmp_path, number, shell):
    with program([*shell, *ARGV], env=surroundings(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as demo:
        assert demo.stdout is not None
        assert "starting Kafka" in demo.stdout.readline()
        time.sleep(0.5)
        demo.send_signal(number)
        rest = demo.stdout.read()
        code = demo.wait(timeout=10)

    assert (1, "atp: stopped before the books were checked\n") == (code, rest)
    assert ([], []) == (list(tmp_path.iterdir()), programs(tmp_path))


@pytest.mark.parametrize("moment", ["starting Kafka", "atp init", "sending"])
def test_an_interrupt_at_any_moment_leaves_nothing_behind_in_five_seconds(tmp_path, moment):
    with program(ARGV, env=surroundings(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if moment in line:
                break
        time.sleep(0.5)
        began = time.monotonic()
        demo.send_signal(signal.SIGINT)
        last = demo.stdout.read().splitlines()[-1]
        code = demo.wait(timeout=10)
        took = time.monotonic() - began

    assert (1, True, "atp: stopped before the books were checked") == (code, took < 5, last)
    assert ([], []) == (list(tmp_path.iterdir()), programs(tmp_path))
