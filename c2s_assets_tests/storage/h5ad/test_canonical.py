import numpy as np
import pytest

from c2s_assets.core.errors import InvalidMatrixError
from c2s_assets.storage.h5ad import canonical
from c2s_assets.storage.h5ad.canonical import canonical_rows


def _rows(data: list[float], indices: list[int], bounds: list[int], **types: type) -> tuple:
    """Three lists of the canonical rows of a matrix of ten features."""
    rows = canonical_rows(
        np.array(data, types.get("dtype", np.float32)),
        np.array(indices, types.get("index_dtype", np.int32)),
        np.array(bounds, np.int64),
        matrix="X",
        first_row=100,
        n_vars=10,
    )
    return rows.data.tolist(), rows.indices.tolist(), rows.indptr.tolist()


def test_arrays_that_are_canonical_are_not_copied() -> None:
    values, indices = np.ones(4, np.float32), np.array([0, 2, 1, 3], np.int32)
    rows = canonical_rows(values, indices, np.array([0, 2, 4]), matrix="X", first_row=0, n_vars=4)
    assert np.shares_memory(rows.data, values)
    assert np.shares_memory(rows.indices, indices)


@pytest.mark.parametrize("piece", [1, 2, 3, 100])
def test_rows_come_out_canonical_whatever_the_pieces_they_are_checked_in(
    monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(canonical, "_SURVEY_VALUES", piece)
    assert _rows([1, 2, 3, 4], [8, 9, 0, 9], [0, 2, 2, 4]) == ([1, 2, 3, 4], [8, 9, 0, 9], [0, 2, 2, 4])
    assert _rows([1, 2, 3, 4], [9, 8, 0, 9], [0, 2, 2, 4]) == ([2, 1, 3, 4], [8, 9, 0, 9], [0, 2, 2, 4])
    assert _rows([1, 2, 0, 4], [8, 9, 0, 9], [0, 2, 2, 4]) == ([1, 2, 4], [8, 9, 9], [0, 2, 2, 3])
    assert _rows([], [], [0, 0]) == ([], [], [0, 0])


@pytest.mark.parametrize("piece", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("data", "indices", "said"),
    [
        ([1, 1, 1, 1], [0, 1, 2, 10], "X: cell 101 lists feature 10, but there are 10"),
        ([1, 1, 1, 1], [0, -1, 2, 3], "X: cell 100 lists feature -1, but"),
        ([1, 1, 1, np.nan], [0, 1, 2, 3], "X: cell 101 has value nan at feature 3"),
        ([1, 1, 1, 1], [0, 1, 2, 2], "X: cell 101 lists feature 2 twice"),
    ],
    ids=["too high", "below zero", "NaN", "twice"],
)
def test_what_is_wrong_is_found_whatever_the_pieces(
    monkeypatch: pytest.MonkeyPatch, piece: int, data: list[float], indices: list[int], said: str
) -> None:
    monkeypatch.setattr(canonical, "_SURVEY_VALUES", piece)
    with pytest.raises(InvalidMatrixError, match=said):
        _rows(data, indices, [0, 2, 4])


def test_an_index_beyond_int64_is_named_as_it_is_stored() -> None:
    with pytest.raises(InvalidMatrixError, match="lists feature 18446744073709551615"):
        _rows([1.0], [2**64 - 1], [0, 1], index_dtype=np.uint64)
