"""A site for each system test, and one on a stack of its own."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from atp_stream.devstack import Stack
from atp_stream.settings import Settings
from tests.conftest import JAVA, settings_on
from tests.system.site import Site


@pytest.fixture
async def site(settings: Settings, tmp_path: Path) -> AsyncIterator[Site]:
    """Give an installation whose topics and schemas stand, and whose workers end with the test."""
    quick = replace(settings, default_tenant="acme", session_timeout=6.0)
    built = Site(quick, tmp_path)
    await built.open()
    yield built
    await built.close()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Stack]:
    """Give a stack of this test's own: that of all tests has so many topics that its broker comes back slowly."""
    with Stack(tmp_path / "stack", JAVA) as running:
        yield running


@pytest.fixture
async def lonely(alone: Stack, tmp_path: Path) -> AsyncIterator[Site]:
    """Give an installation on that stack."""
    built = Site(replace(settings_on(alone, tmp_path), default_tenant="acme", session_timeout=6.0), tmp_path)
    await built.open()
    yield built
    await built.close()
