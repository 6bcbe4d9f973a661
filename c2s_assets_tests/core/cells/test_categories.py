import pytest

from c2s_assets.core.cells.categories import choose_category


@pytest.mark.parametrize(
    ("n_distinct", "has_cell_types", "chosen"),
    [
        ({"batch": 3, "cell_type": 70}, False, "cell_type"),
        ({"batch": 3}, True, "cell_type"),
        ({"batch": 1, "clone": 61, "cluster": 60, "sex": 2}, False, "cluster"),
        ({"batch": 1, "clone": 61, "other": None}, False, None),
        ({}, False, None),
    ],
    ids=["there", "made of another column", "the first of some values", "none of some values", "no column"],
)
def test_what_says_most_is_the_type_or_the_first_column_of_some_values(n_distinct, has_cell_types, chosen):
    assert choose_category(n_distinct, has_cell_types=has_cell_types) == chosen
