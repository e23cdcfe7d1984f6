"""What is packed and installed: the wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Give the names of all files in the wheel."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", directory]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = directory.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()


def test_the_wheel_has_one_top_level_package(wheel):
    top = {name.split("/")[0] for name in wheel}

    assert {"atp_stream"} == {name for name in top if not name.endswith(".dist-info")}


def test_the_wheel_carries_the_oracle_and_every_schema(wheel):
    schemas = {f"atp_stream/schemas/{path.name}" for path in (ROOT / "schemas").iterdir()}

    assert schemas
    assert {"atp_stream/oracle/checks.py", *schemas} <= set(wheel)
