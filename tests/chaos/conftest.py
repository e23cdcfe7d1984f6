"""A limit of processor time for what needs no cluster.

Such a test computes and never waits. Behind busy neighbours it may get a hundredth of a processor, so a limit by the
clock on the wall fails it although nothing is wrong; it did.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

SECONDS = 120
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the limit by the clock off what has one of its own."""
    for item in items:
        if item.path.is_relative_to(HERE) and computes_only(item) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(autouse=True)
def ends_in_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that has used more of the processor than it may: it would never end."""
    if not computes_only(request.node):
        yield
        return
    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def computes_only(item: pytest.Item) -> bool:
    """Tell whether a test uses no cluster."""
    return "stack" not in getattr(item, "fixturenames", ()) and item.get_closest_marker("stack") is None


def give_up(*_: object) -> None:
    """End the test."""
    pytest.fail(f"{SECONDS} s of processor time are over")
