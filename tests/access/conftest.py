"""Certificates, made for the tests and gone with them."""

from pathlib import Path

import pytest

from atp_stream.devstack import certificates


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory with an authority and certificates of a server and of a client."""
    directory = tmp_path_factory.mktemp("secrets")
    certificates.make(directory, ["server", "client"])
    return directory


@pytest.fixture(scope="session")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the same of another authority."""
    directory = tmp_path_factory.mktemp("strangers")
    certificates.make(directory, ["server", "client"])
    return directory
