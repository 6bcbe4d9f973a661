"""Tests of the levels of genes that speak and listen."""

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from c2s_assets.core.spatial.levels import GeneLevels, scale_of, scaled

SYMBOLS = pl.Series(["A", "B", "A", None, "C"])
BLOCK = csr_array(np.array([[1, 0, 2, 5, 2], [0, 0, 0, 7, 0], [0, 4, 0, 0, 0]], np.float32))


def test_counts_of_one_symbol_are_added_and_scaled_to_ten_thousand() -> None:
    found = GeneLevels(["A", "B"], SYMBOLS, kind="counts").of(BLOCK)
    dense = csr_array((found.values, found.indices, found.indptr), shape=(3, 2)).toarray()
    np.testing.assert_allclose(dense, np.log1p([[3000, 0], [0, 0], [0, 10_000]]), rtol=1e-6)


def test_of_normalised_values_the_first_of_a_symbol_is_taken_as_it_is() -> None:
    found = GeneLevels(["A", "C"], SYMBOLS, kind="normalised").of(BLOCK)
    dense = csr_array((found.values, found.indices, found.indptr), shape=(3, 2)).toarray()
    np.testing.assert_array_equal(dense, [[1, 2], [0, 0], [0, 0]])


def test_one_cell_does_not_decide_the_scale() -> None:
    levels = GeneLevels(["A"], pl.Series(["A"]), kind="normalised").of(
        csr_array(np.concatenate([np.ones(10_000), [1000.0]], dtype=np.float32)[:, None])
    )
    assert scale_of(levels.values) == pytest.approx(1)
    assert scaled(levels, 2.0).values.max() == 1
    assert scaled(levels, 2.0).values.min() == 0.5


def test_without_a_value_the_scale_is_one() -> None:
    assert scale_of(np.zeros(0, np.float32)) == 1
