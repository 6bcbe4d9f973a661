"""What is claimed of tables of sums, and what is said where it does not hold."""

import numpy as np
import pytest

from c2s_assets.core.tabular.claims import (
    cell_types_are_known,
    groups_have_cells,
    sums_match_source,
    values_are_counts,
)
from c2s_assets.core.tabular.sums import Totals
from c2s_assets_tests.core.tabular.test_groups import grouped


def totals(of_rows: list[float], of_features: list[float]) -> Totals:
    made = Totals(len(of_features))
    made.of_features += of_features
    made.add_rows(np.array(of_rows))
    return made


@pytest.mark.parametrize(
    ("of_rows", "of_features", "said"),
    [
        ([3], [3, 4], "1 rows were written, 2 are due"),
        ([4, 3], [3, 4], "row 0 sums up to 4, its cells to 3"),
        ([3, 4], [4, 3], "feature 0 sums up to 4 over all rows, in their cells to 3"),
    ],
    ids=["a row is lost", "rows are mixed up", "features are mixed up"],
)
def test_sums_that_are_not_those_of_the_source_are_told(
    of_rows: list[float], of_features: list[float], said: str
) -> None:
    found = sums_match_source(totals(of_rows, of_features), totals([3, 4], [3, 4]))
    assert not found.holds
    assert found.message.startswith(said)


def test_sums_may_differ_as_float32_does() -> None:
    due = float(2**25 + 1)
    assert sums_match_source(totals([2.0**25], [2.0**25]), totals([due], [due])).holds
    assert not sums_match_source(totals([0.0, 1.0], [1.0]), totals([1.0, 0.0], [1.0])).holds


def test_small_groups_are_counted() -> None:
    groups = grouped({}, {}, {"donor_uid": "d/2"}, {"cell_type": None})
    found = groups_have_cells(groups, fewest=2, effect="So what.")
    assert found.message == "2 of 3 groups have fewer than 2 cells, 2 of them one cell. So what."
    assert groups_have_cells(groups, fewest=1, effect="So what.").holds
    found = cell_types_are_known(groups)
    assert not found.holds
    assert "1 of 3 groups" in found.message
    assert "cell_type_column" in found.message


def test_only_counts_can_be_added_up() -> None:
    assert values_are_counts("counts", layer="X").holds
    assert "layer in the dataset's entry" in values_are_counts("normalised", layer="X").message
