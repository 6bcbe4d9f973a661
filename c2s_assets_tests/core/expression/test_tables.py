from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from c2s_assets.core.expression.tables import (
    CellTotals,
    ExpressionDigest,
    agrees_with_expression,
    column_names,
    expression_rows,
    expression_table,
    keeps_wide_schema,
    matches_source,
    rows_per_group,
)

MATRIX = csr_array(np.array([[0, 3, 0, 1], [0, 0, 0, 0], [-2.5, 0, 0, 7]], dtype=np.float32))
CELLS = pl.Series("cell_id", ["a", "b", "c"])


def digest(*blocks, n_vars=4):
    found = ExpressionDigest(n_vars)
    for block in blocks:
        found.add(block)
    return found


@pytest.mark.parametrize(
    ("symbols", "ids", "expected"),
    [
        (["MYH7", "ACTB"], ["E1", "E2"], ["MYH7", "ACTB"]),
        (["MYH7", None], ["E1", "E2"], ["MYH7", "E2"]),
        (["RP1", "ACTB", "RP1"], ["E1", "E2", "E3"], ["RP1_E1", "ACTB", "RP1_E3"]),
        ([None, "E1"], ["E1", "E2"], ["E1_E1", "E1_E2"]),
        (["cell_id", "__index_level_0__"], ["E1", "E2"], ["cell_id_E1", "__index_level_0___E2"]),
        (["cell", "cell"], ["id", "E2"], ["cell_id-1", "cell_E2"]),
        (["A", "A", None], ["B", "C", "A_B"], ["A_B", "A_C", "A_B-1"]),
        (["ACTB", "Actb", "Cell_ID"], ["E1", "M1", "E3"], ["ACTB_E1", "Actb_M1", "Cell_ID_E3"]),
        ([None, None, "x"], ["a", "A", "A_a"], ["a_a", "A_A-1", "x"]),
    ],
    ids=[
        "by symbol",
        "without symbol",
        "shared symbol",
        "a symbol that is another's id",
        "reserved names",
        "a name that becomes a reserved one",
        "a name that becomes another's",
        "genes of two species",
        "ids that differ in case only",
    ],
)
def test_columns_are_named_by_symbol_where_that_tells_features_apart(symbols, ids, expected):
    features = pl.DataFrame(
        {"feature_id": ids, "symbol": symbols}, schema={"feature_id": pl.String, "symbol": pl.String}
    )
    assert column_names(features) == expected


@settings(derandomize=True, max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "a", "a_1", "A_1", "1", "cell_id", "CELL_id", "cell", "id", None]),
            st.integers(0, 9),
        )
    )
)
def test_column_names_are_always_different_and_never_reserved(rows):
    ids = list(dict.fromkeys(str(number) for _, number in rows))
    features = pl.DataFrame(
        {"feature_id": ids, "symbol": [symbol for symbol, _ in rows][: len(ids)]},
        schema={"feature_id": pl.String, "symbol": pl.String},
    )
    names = column_names(features)
    assert len({*(name.casefold() for name in names), "cell_id", "__index_level_0__"}) == len(ids) + 2


@pytest.mark.parametrize(
    ("n_stored", "expected"),
    [(1_430 * 1_000, 8192), (2_000 * 1_000, 4096), (29_400 * 1_000, 256), (0, 8192), (10**11, 1)],
    ids=["a usual atlas", "deeper", "dense", "all zero", "cells beyond the limit"],
)
def test_row_groups_stay_below_100_mb(n_stored, expected):
    assert rows_per_group(n_obs=1_000, n_stored=n_stored) == expected


def test_a_block_becomes_two_lists_per_cell_and_back():
    table = expression_table(MATRIX, CELLS)
    assert table.schema == pa.schema(
        {"cell_id": pa.string(), "feature_index": pa.list_(pa.int32()), "value": pa.list_(pa.float32())}
    )
    assert table.to_pylist()[0] == {"cell_id": "a", "feature_index": [1, 3], "value": [3.0, 1.0]}
    assert table.to_pylist()[1] == {"cell_id": "b", "feature_index": [], "value": []}
    back = expression_rows(pl.DataFrame(table), n_vars=4)
    np.testing.assert_array_equal(back.toarray(), MATRIX.toarray())
    np.testing.assert_array_equal(
        expression_rows(pl.DataFrame(table).slice(2), n_vars=4).toarray(), MATRIX.toarray()[2:]
    )


def test_values_are_not_copied_on_their_way():
    table = expression_table(MATRIX, CELLS)
    values = table["value"].chunk(0).values
    assert values.buffers()[1].address == MATRIX.data.ctypes.data
    assert table["feature_index"].chunk(0).values.buffers()[1].address == MATRIX.indices.ctypes.data


@pytest.mark.parametrize("cuts", [(0, 3), (0, 1, 3), (0, 1, 2, 3), (0, 0, 2, 3)])
def test_a_digest_does_not_depend_on_the_blocks(cuts):
    blocks = [MATRIX[start:stop] for start, stop in pairwise(cuts)]
    assert digest(*blocks) == digest(MATRIX)
    assert digest(MATRIX).n_values == 4


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ([[0, 3, 0, 2], [0, 0, 0, 0], [-2.5, 0, 0, 7]], "values"),
        ([[0, 3, 1, 0], [0, 0, 0, 0], [-2.5, 0, 0, 7]], "indices"),
        ([[0, 3, 0, 0], [0, 0, 0, 1], [-2.5, 0, 0, 7]], "lengths"),
        ([[0, 3, 0, 1], [0, 0, 0, 0], [-2.5, 0, 0, 0]], "n_values"),
        ([[0, 3, 0, 1], [0, 0, 0, 0]], "n_cells"),
    ],
    ids=["a value", "a feature", "a cell", "a value lost", "a cell lost"],
)
def test_whatever_changes_on_the_way_is_found(changed, named):
    assert matches_source(digest(MATRIX), digest(MATRIX)).holds
    finding = matches_source(digest(csr_array(np.array(changed, dtype=np.float32))), digest(MATRIX))
    assert not finding.holds
    assert named in finding.message


@pytest.mark.parametrize(
    ("indices", "n_misplaced"),
    [([1, 3, 0, 3], 0), ([3, 1, 0, 3], 1), ([1, 1, 0, 3], 1), ([1, 4, 0, 3], 1), ([-1, 3, 0, 3], 1)],
    ids=["in order", "descending", "twice", "too high", "below zero"],
)
def test_misplaced_features_are_found_even_if_the_source_says_the_same(indices, n_misplaced):
    rows = MATRIX.copy()
    rows.indices[:] = indices
    found = digest(rows)
    assert found.n_misplaced == n_misplaced
    assert matches_source(found, found).holds == (n_misplaced == 0)


def test_totals_are_per_cell():
    totals = CellTotals()
    totals.add(MATRIX[:1])
    totals.add(MATRIX[1:])
    assert totals.n_values.tolist() == [2, 0, 2]
    assert totals.sums.tolist() == [4, 0, 4.5]


def test_a_part_with_other_columns_is_named():
    due = pa.schema([pa.field("cell_id", pa.string()), pa.field("A", pa.float32())])
    other = pa.schema([pa.field("cell_id", pa.string()), pa.field("B", pa.float32())])
    assert keeps_wide_schema(None, due, n_parts=2).holds
    finding = keeps_wide_schema(other, due, n_parts=2)
    assert not finding.holds
    assert "column 1 is pyarrow.Field<B: float>" in finding.message
    assert "1 columns, not 2" in keeps_wide_schema(pa.schema([due[0]]), due, n_parts=1).message


def test_a_wide_row_that_is_not_the_sources_is_shown():
    names = ["A", "B", "C", "D"]
    rows = pl.DataFrame([CELLS, *(pl.Series(n, c) for n, c in zip(names, MATRIX.toarray().T, strict=True))])
    assert agrees_with_expression([(rows, MATRIX)], names=names).holds
    changed = rows.with_columns(pl.Series("C", [0, 0, 5], dtype=pl.Float32))
    finding = agrees_with_expression([(rows, MATRIX), (changed, MATRIX)], names=names)
    assert not finding.holds
    assert finding.rows is not None
    assert finding.rows.to_dicts() == [{"cell_id": "c", "column": "C", "found": 5.0, "expected": 0.0}]
