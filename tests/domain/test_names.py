"""Keys and their parts."""

from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.names import join, short_id, split


def test_a_bar_in_an_item_is_not_a_border_of_its_key() -> None:
    assert "a|b%7Cc" == join("a", "b|c")
    assert "a%7Cb|c" == join("a|b", "c")


@given(st.lists(st.text("a|%7C25"), min_size=1))
def test_key_and_parts_are_a_bijection(parts: list[str]) -> None:
    assert parts == split(join(*parts))


def test_an_id_of_up_to_20_plain_characters_stands_for_itself_and_others_for_a_name_of_20() -> None:
    assert "twenty characters ok" == short_id("twenty characters ok")
    assert [20, 20] == [len(short_id("one more than twenty!")), len(short_id("ü"))]
    assert short_id("one more than twenty!") != short_id("one more than twenty?")
