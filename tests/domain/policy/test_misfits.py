"""What is said about a document that has a wrong form: where, and what is allowed there."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atp_stream.domain.policy.parsing import check_form, decode, decode_own, edited
from atp_stream.domain.policy.schema import PolicyError


def refusal(document: str) -> str:
    with pytest.raises(PolicyError) as refused:
        decode(document.encode())
    return str(refused.value)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{"tenants":{"acme":{"shortage":"maybe"}}}', "tenants.acme.shortage: 'maybe' is not one of keep, deallocate"),
        (
            '{"tenants":{"*":{"channels":{"B2B":{"kind":"quota"}}}}}',
            "tenants.*.channels.B2B.kind: 'quota' is not one of POOLED, SHARE, QUOTA, FROZEN",
        ),
        (
            '{"tenants":{"a":{"items":{"lamp":{"rule":{"rank":"first"}}}}}}',
            "tenants.a.items.lamp.rule.rank: 'first' is not a whole number",
        ),
        ('{"tenants":{"a":{"rule":{"buffer":[1]}}}}', "tenants.a.rule.buffer: [1] is not a number"),
        ('{"tenants":{"a":{"frozen":{"B2B":"yes"}}}}', "tenants.a.frozen.B2B: 'yes' is not true or false"),
        ('{"tenants":{"a":{"aliases":{"Shop":7}}}}', "tenants.a.aliases.Shop: 7 is not text"),
        ('{"tenants":[]}', "tenants: [] is not an object"),
        ('{"retention":1.5}', "retention: 1.5 is not a whole number"),
        ('{"stock":{"window":null}}', "stock.window: null is not a whole number"),
        ("7", "the document: 7 is not an object"),
        (
            '{"tenants":{"a":{"safety_stock":{"foo":1}}}}',
            "tenants.a.safety_stock.foo: unknown key; allowed are fixed, percent",
        ),
        (
            '{"tenants":{"a":{"default_channel":"STORE"}}}',
            (
                "tenants.a.default_channel: is a key of the whole document, and not allowed here; allowed are aliases,"
                " channels, frozen, items, max_waiting_each, rule, safety_stock, shortage, step, supply, time_limit"
            ),
        ),
    ],
)
def test_a_value_of_a_wrong_form_is_named_with_its_place_and_what_is_allowed(document: str, expected: str) -> None:
    assert expected == refusal(document)


def test_an_items_own_section_is_reported_in_the_same_words() -> None:
    with pytest.raises(PolicyError, match=r"^item\.time_limit: is a key of a tenant, and not allowed here; allowed "):
        decode_own(b'{"time_limit":10}')


def test_an_edit_is_refused_with_the_place_where_it_does_not_fit() -> None:
    with pytest.raises(PolicyError, match=r"^tenants\.acme\.time_limit: 'soon' is not a whole number$"):
        edited(decode(b"{}"), "acme", b'{"time_limit":"soon"}')


def test_what_is_no_json_at_all_is_reported_as_such() -> None:
    assert refusal('{"retention":').startswith("Input data was truncated")


keys = st.sampled_from(["tenants", "a", "channels", "rule", "kind", "weight", "shortage", "stock", "frozen", "x"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["QUOTA", "keep", "", "é"]),
    lambda inner: st.dictionaries(keys, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=12,
)


@given(values)
def test_whatever_is_refused_has_words_of_ours_and_one_line(document: object) -> None:
    try:
        decode(msgspec.json.encode(document))
    except PolicyError as refused:
        text = str(refused)
        assert "\n" not in text
        assert "$" not in text


def test_what_is_left_out_with_null_is_passed_over_for_what_is_wrong_behind_it() -> None:
    expected = "tenants.a.time_limit: 'soon' is not a whole number"
    assert expected == refusal('{"tenants":{"a":{"shortage":null,"time_limit":"soon"}}}')


@pytest.mark.parametrize("patch", ["null", "{}", '{"rule":{"rank":2}}', '{"rule":null,"frozen":{"B2B":true}}'])
def test_a_patch_of_an_item_may_say_what_only_another_could_complete(patch: str) -> None:
    check_form(patch.encode())


@pytest.mark.parametrize("patch", ["7", '{"rule":{"rank":"first"}}', '{"time_limit":5}', "{"])
def test_a_patch_of_an_item_that_fits_no_section_is_refused(patch: str) -> None:
    with pytest.raises(PolicyError):
        check_form(patch.encode())
