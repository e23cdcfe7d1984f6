"""Two tables side by side."""

import pytest

from atp_stream.audit.rows import Difference, differences
from atp_stream.engine.scratch_store import Scratch

ITEM = b'{"stock":{},"channels":{}}'


def test_every_row_that_is_missing_too_many_or_different_is_found() -> None:
    with Scratch() as held, Scratch() as wanted:
        held.write([(b"t|a|i", ITEM), (b"t|b|i", ITEM), (b"t|d|i", ITEM)])
        wanted.write([(b"t|b|i", ITEM), (b"t|c|i", ITEM), (b"t|d|i", b'{"stock":{},"channels":{},"version":2}')])

        found = list(differences(held, wanted))

    assert [
        Difference(b"t|a|i", ITEM, None),
        Difference(b"t|c|i", None, ITEM),
        Difference(b"t|d|i", ITEM, b'{"stock":{},"channels":{},"version":2}'),
    ] == found
    assert f"row t|a|i is {ITEM.decode()}, and should be missing" == str(found[0])


def test_rows_that_say_the_same_in_other_bytes_are_equal() -> None:
    with Scratch() as held, Scratch() as wanted:
        held.write([(b"t|a|i", b'{"version":0,"channels":{},"stock":{"gap":0}}')])
        wanted.write([(b"t|a|i", ITEM)])

        assert [] == list(differences(held, wanted))


def test_a_row_that_nobody_can_read_differs() -> None:
    with Scratch() as held, Scratch() as wanted:
        held.write([(b"t|a|i", b"{")])
        wanted.write([(b"t|a|i", ITEM)])

        assert 1 == len(list(differences(held, wanted)))


@pytest.mark.parametrize(("item", "found"), [(ITEM, 0), (b'{"stock":{},"channels":{},"stopped":3}', 1), (b"{", 1)])
def test_a_row_of_a_forgotten_generation_is_compared_while_its_item_is_stopped(item: bytes, found: int) -> None:
    time = b'{"seen":0,"eras":[[0,0,9,86400000]]}'
    rows = [(b"|stock_time", time), (b"t|a|i", item)]
    with Scratch() as held, Scratch() as wanted:
        held.write(rows)
        wanted.write([*rows, (b"|g|00000002|K|t|a|mark", b"[]")])

        assert found == len(list(differences(held, wanted)))


def test_a_scratch_leaves_nothing_on_the_disk(tmp_path) -> None:
    with Scratch(tmp_path) as rows:
        rows.write([(b"a", b"1"), (b"b", b"2")])
        rows.write([(b"a", None)])

        assert (None, [(b"b", b"2")]) == (rows.read(b"a"), list(rows.scan(b"a")))
        assert 1 == len(list(tmp_path.iterdir()))
    assert [] == list(tmp_path.iterdir())
