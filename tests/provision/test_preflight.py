"""What a worker makes sure of before it starts, as far as no broker is needed for it."""

import socket
from contextlib import closing
from pathlib import Path

import pytest

from atp_stream.provision import ProvisionError
from atp_stream.provision.preflight import check_directory, check_port, claim_directory


def test_a_directory_of_another_app_is_refused(tmp_path: Path) -> None:
    check_directory(tmp_path, "0011", "shop")

    with pytest.raises(ProvisionError) as refused:
        check_directory(tmp_path, "0011", "shop2")

    expected = (
        f"the data directory {tmp_path} belongs to app shop, but ATP_APP_ID is shop2: give this one another"
        " ATP_DATA_DIR"
    )
    assert expected == str(refused.value)


def test_a_directory_is_the_app_s_own_after_it_refused_another(tmp_path: Path) -> None:
    check_directory(tmp_path, "0011", "shop")
    with pytest.raises(ProvisionError):
        check_directory(tmp_path, "0011", "shop2")

    check_directory(tmp_path, "0011", "shop")


def test_a_directory_of_another_log_is_not_given_to_the_app_that_asked(tmp_path: Path) -> None:
    (tmp_path / "genesis").write_text("0011")

    with pytest.raises(ProvisionError, match="belongs to item log 0011, but the log is now 2233"):
        check_directory(tmp_path, "2233", "shop2")

    check_directory(tmp_path, "0011", "shop")


def test_a_file_where_the_directory_should_be_is_reported_as_such(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.touch()

    with pytest.raises(ProvisionError) as refused:
        claim_directory(file)

    assert f"the data directory {file} is a file: set ATP_DATA_DIR to a directory" == str(refused.value)


def test_a_port_that_is_taken_is_reported_with_both_settings() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ProvisionError, match=r"set ATP_WEB_HOST and ATP_WEB_PORT$"):
            check_port("127.0.0.1", taken.getsockname()[1])
