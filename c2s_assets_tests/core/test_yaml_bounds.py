from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from c2s_assets.core.errors import ConfigError
from c2s_assets.core.settings import parse_datasets_file
from c2s_assets.core.yaml_bounds import BoundedLoader

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS, "comes to more than 200,000 values with its aliases"),
        ("datasets: " + "[" * 5_000, "nested deeper than 20 levels"),
        ("datasets: " + "{a: " * 5_000, "nested deeper than 20 levels"),
        ("\n".join(" " * n + "a:" for n in range(500)), "nested deeper than 20 levels"),
        ("- " * 5_000 + "a", "nested deeper than 20 levels"),
        ("datasets: &a [*a]", "an alias stands within what it means"),
        ("datasets: &a {b: *a}", "an alias stands within what it means"),
        ("split: {seed: " + "1" * 20_000 + "}", "longer than 10,000 characters"),
        ("split: {seed: 1" + ":10" * 20_000 + "}", "longer than 10,000 characters"),
        ("split: {seed: " + "1" * 5_000 + "}", "5000 digits"),
        ("# " + "x" * 1_000_000, "has 1,000,002 characters, and at most 1,000,000 are read"),
    ],
    ids=[
        *("laughs", "lists", "mappings", "indented", "dashes", "a list in itself", "a mapping in itself"),
        *("a long number", "a long number to the base of 60", "a number", "a long file"),
    ],
)
def test_what_would_exhaust_us_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_datasets_file(text)


def test_an_alias_is_read() -> None:
    text = "sentences: {gene_lists: {a: &genes [RPL3, RPL4], b: *genes}}"
    assert parse_datasets_file(text).sentences.gene_lists == {"a": ["RPL3", "RPL4"], "b": ["RPL3", "RPL4"]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text("abc é:#-", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_within_bounds_is_read_as_yaml_reads_it(value: object) -> None:
    text = yaml.safe_dump(value)
    assert BoundedLoader(text).get_single_data() == value


@given(st.text("[]{}&*a:,-\n !<?|>\"'0", max_size=60))
def test_no_text_ends_in_anything_but_settings_or_words(text: str) -> None:
    with suppress(ConfigError):
        parse_datasets_file(text)
