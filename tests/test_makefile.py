"""`make` on a machine that has Python, make and a shell, in a path with a space."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
MAKE = shutil.which("make")
ATP = "#!/bin/sh\necho '{\"arguments\": \"'$*'\"}'\n"

pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not here")


@pytest.fixture
def clone(tmp_path):
    """Give a clone that is installed already, with an `atp` that prints its arguments."""
    directory = tmp_path / "a clone" / "with spaces"
    (directory / ".venv" / "bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements/demo.lock", "requirements/dev.lock"):
        file = directory / name
        file.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, file)
        os.utime(file, (0, 0))
    atp = directory / ".venv" / "bin" / "atp"
    atp.write_text(ATP)
    atp.chmod(0o755)
    for stamp in ("pyvenv.cfg", ".installed", ".installed-dev"):
        (directory / ".venv" / stamp).touch()
    return directory


def make(clone, *arguments):
    tools = clone.parent / "tools"
    tools.mkdir(exist_ok=True)
    for name in ("sed", "sh", "touch"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    assert MAKE is not None
    done = subprocess.run(
        [MAKE, *arguments], cwd=clone, env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_the_demo_prints_nothing_but_its_own(clone):
    assert (0, '{"arguments": "demo --json"}\n', "") == make(clone, "demo", "ARGS=--json")


def test_help_lists_every_target_but_the_parts_of_others(clone):
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    code, out, err = make(clone, "help")

    assert (0, "") == (code, err)
    listed = re.findall(r"^make (\S+)  +\S", out, re.MULTILINE)
    assert sorted(name for name in phony.split() if not name.startswith(("lint-", "nightly-"))) == sorted(listed)


def test_kafka_is_fetched_without_java_and_maven(clone):
    assert (0, "", '{"arguments": "stack fetch"}\n') == make(clone, "java")


@pytest.mark.parametrize("target", ["install", "install-dev", "demo"])
def test_a_missing_python_is_reported_in_one_line(clone, target):
    shutil.rmtree(clone / ".venv")

    code, out, err = make(clone, target, "PYTHON=python3.6")

    lines = err.splitlines()
    assert (2, "", 1) == (code, out, len(lines))
    assert '*** Python 3.11 or newer with its venv module is needed, "python3.6" is not: install python3' in lines[0]


def test_the_comparison_with_kafka_streams_alone_wants_a_jdk(clone):
    pom = clone / "benchmarks" / "peers" / "kafka_streams" / "pom.xml"
    pom.parent.mkdir(parents=True)
    pom.touch()

    code, _, err = make(clone, ".atp/peers/kafka_streams/.built")

    assert code == 2
    assert "*** A JDK of Java 17 or newer is needed for the Kafka Streams program, found none: install one" in err


def test_the_workflow_and_the_hooks_run_targets_of_the_makefile():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    run = [step["run"].split() for step in workflow["jobs"]["check"]["steps"] if "run" in step]
    hooks = [hook["entry"].split() for hook in repository["hooks"]]

    assert {"install-dev", "lint", "test"} == {words[-1] for words in run}
    assert {"make"} == {words[0] for words in [*run, *hooks]}
    assert {words[-1] for words in [*run, *hooks]} <= targets


def test_the_hooks_check_all_that_lint_checks():
    (checks,) = re.findall(r"^lint: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]

    assert [f"make {check}" for check in checks.split()] == [hook["entry"] for hook in repository["hooks"]]
