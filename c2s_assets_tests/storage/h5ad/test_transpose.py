from pathlib import Path

import numpy as np
import pytest

from c2s_assets.core.errors import InvalidMatrixError
from c2s_assets.storage.h5ad import canonical, transpose
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets_tests.storage.h5ad.files import COUNTS, add_parts, add_sparse, new_h5ad


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def _write(path: Path, **parts: object) -> Path:
    """Write a good 3 x 2 matrix with some parts changed: feature 0 in cells 0 and 2, feature 1 in cell 1."""
    good = {"shape": (3, 2), "data": [1.0, 2.0, 3.0], "indices": [0, 2, 1], "indptr": [0, 2, 3]}
    changed = good | parts
    with new_h5ad(path, n_obs=3, n_vars=changed["shape"][1]) as file:
        add_parts(file, "X", encoding="csc", **changed)
    return path


BAD = {
    "cell below zero": ({"indices": [0, 2, -1]}, "X: feature 1 lists cell -1, but there are 3 cells"),
    "cell too large": ({"indices": [0, 3, 1]}, "X: feature 0 lists cell 3, but there are 3 cells"),
    "feature twice in a cell": ({"indices": [2, 2, 1]}, "X: cell 2 lists feature 0 twice"),
    "more values in a cell than features": (
        {"data": [1.0] * 4, "indices": [1, 1, 1, 0], "indptr": [0, 3, 4]},
        "X: cell 1 lists 3 values, but there are 2 features",
    ),
    "NaN": ({"data": [1.0, 2.0, np.nan]}, "X: cell 1 has value nan at feature 1"),
    "indptr falls": (
        {"shape": (3, 3), "indptr": [0, 3, 2, 3]},
        "X: indptr gives feature 1 the values from 3",
    ),
    "indptr of the rows": ({"indptr": [0, 1, 2, 3]}, r"X has 4 .* in indptr, not 3"),
}


@pytest.mark.parametrize(("change", "said"), BAD.values(), ids=BAD.keys())
def test_a_csc_matrix_that_contradicts_itself_is_refused_and_leaves_nothing(
    tmp_path: Path, scratch: Path, change: dict, said: str
) -> None:
    path = _write(tmp_path / "a.h5ad", **change)
    with open_h5ad(path, scratch=scratch) as h5ad, pytest.raises(InvalidMatrixError, match=said):
        list(h5ad.matrix("X").blocks(rows=10))
    assert list(scratch.iterdir()) == []


def test_too_many_values_for_the_rows_asked_for_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.h5ad", data=[1.0] * 3, indices=[1, 1, 1], indptr=[0, 3, 3])
    with (
        open_h5ad(path) as h5ad,
        pytest.raises(InvalidMatrixError, match="cells 1 to 2 list more values than they have features"),
    ):
        h5ad.matrix("X").rows(1, 2)


def test_records_spread_over_ranges_of_rows_and_are_removed(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canonical, "MAX_BLOCK_VALUES", 30)
    monkeypatch.setattr(transpose, "STREAM_VALUES", 7)
    dense = np.random.default_rng(0).poisson(0.5, (40, 11)).astype(np.float32)
    path = tmp_path / "a.h5ad"
    with new_h5ad(path, n_obs=40, n_vars=11) as file:
        add_sparse(file, "X", dense, encoding="csc")
    with open_h5ad(path, scratch=scratch) as h5ad:
        blocks = h5ad.matrix("X").blocks(rows=4)
        start, block = next(blocks)
        (folder,) = scratch.iterdir()
        assert len(list(folder.iterdir())) > 3
        assert block.toarray().tolist() == dense[:4].tolist()
        assert np.vstack([block.toarray() for _, block in blocks]).tolist() == dense[4:].tolist()
        assert start == 0
    assert list(scratch.iterdir()) == []


def test_records_are_removed_when_the_reader_stops_early(tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "a.h5ad"
    with new_h5ad(path) as file:
        add_sparse(file, "X", COUNTS, encoding="csc")
    with open_h5ad(path, scratch=scratch) as h5ad:
        blocks = h5ad.matrix("X").blocks(rows=1)
        next(blocks)
        assert list(scratch.iterdir()) != []
        blocks.close()
    assert list(scratch.iterdir()) == []
