"""What mutation testing needs of these tests: the quick ones first, and an end to those that never end."""

import os
import signal
from collections.abc import Generator

import hypothesis
import pytest

SECONDS = 20  # of the processor, not of the clock: what else the machine does must not look like a loop without end


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the examples in front of the properties: most mutants die of an example, in a hundredth of the time."""
    if breaks_on_purpose():
        items.sort(key=lambda item: getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """End the process of a mutant that loops for ever, in the way that mutmut counts as a timeout."""
    if not is_broken():
        return (yield)
    signal.signal(signal.SIGPROF, lambda *_: signal.raise_signal(signal.SIGXCPU))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def breaks_on_purpose() -> bool:
    """Return whether mutants are tested."""
    return hypothesis.settings.get_current_profile_name() == "mutate"


def is_broken() -> bool:
    """Return whether it is a mutant that is tested, not what mutmut learns of the tests before: that takes longer."""
    return breaks_on_purpose() and "__mutmut_" in os.environ.get("MUTANT_UNDER_TEST", "")
