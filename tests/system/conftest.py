"""A site for each system test."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from atp_stream.settings import Settings
from tests.system.site import Site


@pytest.fixture
async def site(settings: Settings, tmp_path: Path) -> AsyncIterator[Site]:
    """Give an installation whose topics and schemas stand, and whose workers end with the test."""
    quick = replace(settings, default_tenant="acme", session_timeout=6.0)
    built = Site(quick, tmp_path)
    await built.open()
    yield built
    await built.close()
