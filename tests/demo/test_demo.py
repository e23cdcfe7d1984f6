"""The demo as its users meet it: it says that the books balance, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import JAVA

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


@pytest.mark.parametrize("moment", ["starting Kafka", "atp init", "sending"])
def test_an_interrupt_at_any_moment_leaves_nothing_behind_in_five_seconds(tmp_path, moment):
    with subprocess.Popen(
        ARGV, env=surroundings(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if moment in line:
                break
        time.sleep(0.5)
        began = time.monotonic()
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()
        code = demo.wait(timeout=10)
        took = time.monotonic() - began

    assert (1, True) == (code, took < 5)
    assert ([], []) == (list(tmp_path.iterdir()), programs(tmp_path))
