import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.cells.labels import JOINED_LABELS, MEMBER_LISTS, member_lists, members, with_member_lists

LABEL = st.text("aB |", max_size=5).map(lambda text: text.replace("||", "|").strip(" |")).filter(bool)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("normal", ["normal"]),
        ("COVID-19 || type 2 diabetes mellitus", ["COVID-19", "type 2 diabetes mellitus"]),
        ("b||a ||  b", ["b", "a"]),
        ("a | b", ["a | b"]),
        (" || ", []),
        ("", []),
    ],
    ids=["one", "two", "repeated, without spaces", "one bar is part of a label", "bars alone", "empty"],
)
def test_a_field_is_taken_apart_into_its_labels(label, expected):
    assert members(label) == expected
    assert member_lists(pl.Series([label, None])).to_list() == [expected or None, None]


@settings(derandomize=True, max_examples=100)
@given(st.lists(LABEL.filter(lambda label: "||" not in label), unique=True, max_size=4))
def test_what_was_joined_is_taken_apart_again(labels):
    assert members(" || ".join(labels)) == labels


def test_the_list_stands_beside_the_text_where_there_is_one():
    cells = with_member_lists(pl.DataFrame({"disease": ["a || b", None], "tissue": ["c || d"] * 2}))
    assert cells.columns == ["disease", "tissue", "disease_list"]
    assert cells["disease_list"].to_list() == [["a", "b"], None]
    assert with_member_lists(pl.DataFrame({"disease": [None]}))["disease_list"].dtype == pl.List(pl.String)
    assert set(MEMBER_LISTS) == set(JOINED_LABELS)
