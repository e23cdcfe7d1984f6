"""The real stack, settings of one's own on it, and the order of the tests: quick ones first."""

import itertools
import signal
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from atp_stream.devstack import Stack
from atp_stream.settings import Settings

ROOT = Path(__file__).parent.parent
JAVA = Settings.from_environment().java_dir
INPUTS = [f.name for f in fields(Settings) if f.name.startswith("topic_") and f.name != "topic_prefix"]
_counter = itertools.count(1)

# What a script puts into the background ignores SIGINT, and so would the programs that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.register_profile("nightly", deadline=None, print_blob=True, max_examples=10_000)
hypothesis.settings.register_profile(
    "mutate",
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[*hypothesis.HealthCheck],
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # a mutant that is dead needs no simplest example
)
hypothesis.settings.load_profile("default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the stack, and order the tests by cost; within one cost they stay as they are written."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker("stack")
    items.sort(key=lambda item: [item.get_closest_marker(mark) is not None for mark in ("slow", "stack")])


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give the broker and the registry that all tests of this session share."""
    with Stack(tmp_path_factory.mktemp("stack"), JAVA) as running:
        yield running


@pytest.fixture
def settings(stack: Stack, tmp_path: Path) -> Settings:
    """Give settings that point at the stack, under names that no other test has."""
    return settings_on(stack, tmp_path)


def settings_on(stack: Stack, directory: Path) -> Settings:
    """Return settings that point at the stack, under names that nobody else has."""
    mark = f"t{next(_counter)}"
    named = replace(
        Settings(),
        app_id=mark,
        brokers=tuple(stack.bootstrap.split(",")),
        registry_url=stack.registry_url,
        replication_factor=stack.copies,
        min_isr=stack.copies_in_sync,
        data_dir=directory / "data",
        topic_prefix=f"{mark}.",
    )
    inputs: dict[str, Any] = {name: f"{mark}.{getattr(named, name)}" for name in INPUTS}
    return replace(named, **inputs)
