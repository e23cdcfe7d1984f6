"""A run in the middle of which it is midnight: by how much its clock is ahead, and what says so."""

import shutil
import subprocess
import time

import pytest

from chaos import midnight


@pytest.fixture
def variables(monkeypatch):
    """Variables of this process that a run may set, and that are as before afterwards."""
    for name in midnight.VARIABLES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("variables")
def test_without_an_arrangement_the_clock_is_right_and_no_midnight_comes():
    assert (0, None) == (midnight.ahead(), midnight.coming(10**6))


@pytest.mark.usefixtures("variables")
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_what_is_started_sees_the_midnight_that_was_arranged(tmp_path):
    midnight.arrange(tmp_path, 60)
    result = subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True)

    assert abs(int(result.stdout) - time.time() - midnight.ahead()) < 5
    coming = midnight.coming(120)
    assert coming is not None
    assert 45 < coming < 60
