"""The overlay over committed rows."""

from bisect import bisect_left
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.state.overlay import State


class Committed:
    """Committed rows that count how many of them were looked at."""

    def __init__(self, rows: dict[str, int]) -> None:
        self.rows = rows
        self.looked_at = 0

    def scan(self, key: str) -> Iterator[tuple[str, int]]:
        keys = sorted(self.rows)
        for found in keys[bisect_left(keys, key) :]:
            self.looked_at += 1
            yield found, self.rows[found]


def overlay(**rows: int) -> State:
    return State(rows.get, Committed(rows).scan)


def test_a_change_hides_the_committed_row() -> None:
    state = overlay(a=1, b=2)
    state.put("a", 5)
    state.delete("b")
    assert (5, None, None) == (state.get("a"), state.get("b"), state.get("c"))
    assert {"a": 5, "b": None} == state.changed


def test_a_row_that_was_read_is_read_once() -> None:
    rows = [object(), object()]
    state = State(lambda _: rows.pop(), lambda _: iter(()))
    assert state.get("a") is state.get("a")


def test_the_first_row_is_the_object_that_was_read_before() -> None:
    state = State(lambda _: [], lambda _: iter([("a", [])]))
    assert state.get("a") is (state.first("a") or ("", None))[1]


def test_serving_a_long_queue_looks_at_each_committed_row_once() -> None:
    committed = Committed({f"q{place:05d}": place for place in range(10_000)})
    state = State(committed.rows.get, committed.scan)
    for place in range(5_000):
        assert (f"q{place:05d}", place) == state.first("q")
        state.delete(f"q{place:05d}")
    assert 5_000 == committed.looked_at


def test_serving_a_queue_that_was_made_in_the_same_step_passes_each_row_once() -> None:
    state = overlay()
    for place in range(20_000):
        state.put(f"q{place:05d}", place)
    for place in range(20_000):
        assert (f"q{place:05d}", place) == state.first("q")
        state.delete(f"q{place:05d}")
    assert state.first("q") is None
    assert [] == state._sorted_keys


KEYS = st.sampled_from(["a|1", "a|2", "a|3", "b|1", "b|2", "c|1"])


@given(
    st.dictionaries(KEYS, st.integers(0, 9)),
    st.lists(st.tuples(st.sampled_from(["put", "delete", "first", "after"]), KEYS)),
)
def test_first_and_after_see_what_a_plain_dictionary_would(rows: dict[str, int], asked: list[tuple[str, str]]) -> None:
    state, plain = State(rows.get, Committed(rows).scan), dict(rows)
    for what, key in asked:
        match what:
            case "put":
                state.put(key, 77)
                plain[key] = 77
            case "delete":
                state.delete(key)
                plain.pop(key, None)
            case "first":
                under = sorted(found for found in plain if found.startswith(key[:2]))
                assert ((under[0], plain[under[0]]) if under else None) == state.first(key[:2])
            case _:
                assert min((found for found in plain if found >= key), default=None) == state.after(key)


def test_many_new_keys_at_once_are_put_in_order() -> None:
    state = overlay()
    for place in range(100):
        state.put(f"q{99 - place:02d}", place)
    assert ("q00", 99) == state.first("q")


def test_the_first_row_is_looked_for_no_further_than_its_prefix_reaches() -> None:
    def scan(_key: str) -> Iterator[tuple[str, object]]:
        yield "a|1", 1
        yield "b|1", 2
        raise AssertionError("the next row was not asked for")

    state = State(lambda _: None, scan)
    state.delete("a|1")
    assert state.first("a|") is None
