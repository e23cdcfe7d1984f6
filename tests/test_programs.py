import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import program

ROOT = Path(__file__).parent.parent
FOREVER = [sys.executable, "-c", "import time; print('runs', flush=True); time.sleep(60)"]


def test_a_program_does_not_outlive_a_test_that_fails():
    with pytest.raises(AssertionError, match="the test"), program(FOREVER, stdout=subprocess.PIPE) as running:
        raise AssertionError("the test")

    assert running.returncode == -9


def test_a_program_that_has_ended_keeps_its_exit_code():
    with program([sys.executable, "-c", "raise SystemExit(3)"]) as running:
        running.wait(10)

    assert running.returncode == 3


def test_programs_hear_an_interrupt_though_the_tests_were_put_into_the_background_by_a_script():
    inner = (
        "import signal, sys, tests.conftest; from tests.programs import program; p = program(sys.argv[1:], stdout=-1)"
    )
    inner += "; r = p.__enter__(); r.stdout.readline(); r.send_signal(signal.SIGINT); sys.exit(r.wait(10) % 256)"

    done = subprocess.run(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-W", "ignore", "-c", inner, *FOREVER],
        cwd=ROOT,
        check=False,
        stderr=subprocess.PIPE,
        text=True,
    )

    assert (-2 % 256, True) == (done.returncode, done.stderr.endswith("KeyboardInterrupt\n"))
