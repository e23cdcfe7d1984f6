"""What workers show each other: one question of one caller to one worker, and nothing that is of use elsewhere."""

from pathlib import Path

import pytest
from yarl import URL

from atp_stream.web.callers import Caller, Role
from atp_stream.web.hops import VALID_S, Hops

ONE, TWO = URL("http://worker-1:6066"), URL("https://worker-2:6066")
SHOP = Caller("shop", frozenset({"acme", "globex"}), frozenset({Role.READ}))
QUESTION = ("POST", "/atp/acme/query?a=b", b'{"items":["lamp"]}')


def secret(directory: Path, *lines: str) -> Path:
    file = directory / f"secret-{len(list(directory.iterdir()))}"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    return secret(tmp_path, 32 * "s")


def test_the_caller_is_known_to_the_worker_that_is_asked(shared: Path) -> None:
    header = Hops(shared, ONE).sign(SHOP, TWO, *QUESTION)

    assert SHOP == Hops(shared, TWO).caller(header, *QUESTION)


@pytest.mark.parametrize(
    "other",
    [
        ("GET", "/atp/acme/query?a=b", b'{"items":["lamp"]}'),
        ("POST", "/atp/globex/query?a=b", b'{"items":["lamp"]}'),
        ("POST", "/atp/acme/query", b'{"items":["lamp"]}'),
        ("POST", "/atp/acme/query?a=b", b'{"items":["sofa"]}'),
    ],
)
def test_a_signature_is_for_one_question(shared: Path, other: tuple[str, str, bytes]) -> None:
    header = Hops(shared, ONE).sign(SHOP, TWO, *QUESTION)

    assert Hops(shared, TWO).caller(header, *other) is None


def test_a_signature_is_for_one_worker(shared: Path) -> None:
    header = Hops(shared, ONE).sign(SHOP, URL("http://rogue:1"), *QUESTION)

    assert Hops(shared, TWO).caller(header, *QUESTION) is None


def test_a_signature_of_another_secret_is_none(shared: Path, tmp_path: Path) -> None:
    header = Hops(secret(tmp_path, 32 * "x"), ONE).sign(SHOP, TWO, *QUESTION)

    assert Hops(shared, TWO).caller(header, *QUESTION) is None


def test_a_claim_that_was_changed_is_none(shared: Path) -> None:
    hops = Hops(shared, TWO)
    said, _, signature = hops.sign(SHOP, TWO, *QUESTION).partition(".")
    mine, _, _ = hops.sign(SHOP._replace(tenants=frozenset("*")), TWO, *QUESTION).partition(".")

    assert SHOP == hops.caller(f"{said}.{signature}", *QUESTION)
    assert hops.caller(f"{mine}.{signature}", *QUESTION) is None


@pytest.mark.parametrize("header", ["", ".", "a.b", "é.é", "\udcff.\udcff", 8_000 * "x"])
def test_what_is_no_signature_is_none(shared: Path, header: str) -> None:
    assert Hops(shared, TWO).caller(header, *QUESTION) is None


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, SHOP), (-7_200, SHOP), (7_200, SHOP), (VALID_S + 1, None), (-VALID_S - 1, None)]
)
def test_clocks_of_workers_may_differ_by_two_hours(shared: Path, seconds: int, expected: Caller | None) -> None:
    header = Hops(shared, ONE, lambda: 1_000_000.0).sign(SHOP, TWO, *QUESTION)
    found = Hops(shared, TWO, lambda: 1_000_000.0 + seconds).caller(header, *QUESTION)

    assert expected == found


def test_a_secret_is_changed_while_workers_run_by_two_lines(tmp_path: Path) -> None:
    old, both, new = (Hops(secret(tmp_path, *lines), TWO) for lines in ([32 * "o"], [32 * "n", 32 * "o"], [32 * "n"]))

    assert SHOP == both.caller(old.sign(SHOP, TWO, *QUESTION), *QUESTION)
    assert SHOP == new.caller(both.sign(SHOP, TWO, *QUESTION), *QUESTION)
    assert new.caller(old.sign(SHOP, TWO, *QUESTION), *QUESTION) is None
