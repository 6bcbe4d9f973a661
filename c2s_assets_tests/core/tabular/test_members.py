"""Rows of cells cut into pieces, and put into buckets."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2s_assets.core.tabular.members import Members, cut, gather


def members(*rows: tuple[int, list[int]]) -> Members:
    """Make members of the group and the cells of each row."""
    return Members(
        rows=pl.DataFrame({"row": range(len(rows))}),
        group=np.array([group for group, _ in rows], np.int64),
        cells=np.array([cell for _, cells in rows for cell in cells], np.int32),
        bounds=np.cumsum([0, *(len(cells) for _, cells in rows)]),
    )


def test_a_row_with_many_cells_is_cut() -> None:
    pieces = cut(members((0, [0, 1, 2, 3, 4]), (1, [5])), n_obs=7, cells_per_bucket=2)
    assert pieces.bounds.tolist() == [0, 2, 4, 5, 6]
    assert pieces.ends_row.tolist() == [False, False, True, True]
    assert pieces.bucket.tolist() == [0, 1, 2, 2]
    assert pieces.bucket_of_cell.tolist() == [0, 0, 1, 1, 2, 2, -1]


def test_rows_that_share_cells_are_in_one_bucket() -> None:
    pieces = cut(members((0, [0, 1]), (0, [1, 2]), (0, [0, 3]), (1, [4, 5])), n_obs=6, cells_per_bucket=2)
    assert pieces.bucket.tolist() == [0, 0, 0, 1]
    assert pieces.bucket_of_cell.tolist() == [0, 0, 0, 0, 1, 1]


def test_rows_of_a_group_are_not_cut() -> None:
    pieces = cut(members((0, [0, 1, 2]), (0, [1, 2, 3])), n_obs=4, cells_per_bucket=2)
    assert pieces.bounds.tolist() == [0, 3, 6]
    assert pieces.bucket.tolist() == [0, 0]


@given(
    st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=8),
    st.integers(1, 12),
)
def test_every_piece_finds_its_cells_in_its_bucket(groups: list[list[int]], cells_per_bucket: int) -> None:
    """Of each group some rows, of which each has some first cells of the group."""
    rows, first = [], 0
    for group, sizes in enumerate(groups):
        rows += [(group, list(range(first, first + size))) for size in sizes]
        first += max(sizes)
    of_rows = members(*rows)
    pieces = cut(of_rows, n_obs=first, cells_per_bucket=cells_per_bucket)
    assert pieces.ends_row.sum() == len(rows)
    assert pieces.bounds[:-1][1:][pieces.ends_row[:-1]].tolist() == of_rows.bounds[1:-1].tolist()
    assert np.diff(pieces.bucket, prepend=0).max() <= 1
    assert pieces.n_buckets == pieces.bucket[-1] + 1
    for piece, bucket in enumerate(pieces.bucket):
        cells = of_rows.cells[pieces.bounds[piece] : pieces.bounds[piece + 1]]
        assert set(pieces.bucket_of_cell[cells]) == {bucket}


@pytest.mark.parametrize("cells_at_once", [1, 3, 100])
def test_cells_with_the_same_keys_are_put_together_in_their_order(
    monkeypatch: pytest.MonkeyPatch, cells_at_once: int
) -> None:
    monkeypatch.setattr("c2s_assets.core.tabular.members._CELLS_AT_ONCE", cells_at_once)
    cells = pl.DataFrame({"donor": ["b", "a", "b", None, "a", "b"], "n": [1, 1, 1, 1, 1, 2]})
    found = gather(cells, ["donor", "n"])
    assert found.rows.rows() == [("a", 1), ("b", 1), ("b", 2), (None, 1)]
    assert found.cells.tolist() == [1, 4, 0, 2, 5, 3]
    assert found.bounds.tolist() == [0, 2, 4, 5, 6]
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    assert found.mean(values).tolist() == [[5, 6], [2, 3], [10, 11], [6, 7]]
    assert gather(cells, ["donor"], where=pl.col("n") == 2).cells.tolist() == [5]
    assert gather(cells.clear(), ["donor"]).bounds.tolist() == [0]
