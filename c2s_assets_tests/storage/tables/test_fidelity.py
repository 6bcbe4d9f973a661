from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from c2s_assets.core.expression.sampling import draw
from c2s_assets.storage.h5ad.rows import CsrReader
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets.storage.tables import fidelity
from c2s_assets_tests.toy import write_toy_h5ad

N_OBS, N_DRAWN = 400, 12
IDS = pl.Series([f"cell_{row:04d}" for row in range(N_OBS)])


@pytest.fixture
def stored(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return write_toy_h5ad(tmp_path / "a.h5ad", n_obs=N_OBS, matrices="counts in X", encoding=request.param)


@pytest.mark.parametrize("stored", ["csr", "csc", "dense"], indirect=True)
def test_drawn_cells_are_those_of_the_matrix_however_it_is_stored(stored: Path) -> None:
    with open_h5ad(stored) as h5ad:
        found = fidelity.draw_cells(h5ad.matrix("X"), IDS, n=N_DRAWN, seed=0, rows_per_block=64)
        every = h5ad.matrix("X").rows(0, N_OBS).toarray()
    np.testing.assert_array_equal(found.toarray(), every[draw(IDS, n=N_DRAWN, seed=0)])


@pytest.mark.parametrize("stored", ["csr"], indirect=True)
@pytest.mark.parametrize(("most_values", "most_rows"), [(10**6, 64), (40 * 10, 10), (1, 1)])
def test_no_more_cells_are_read_at_once_than_a_block_holds(
    stored: Path, monkeypatch: pytest.MonkeyPatch, most_values: int, most_rows: int
) -> None:
    monkeypatch.setattr(fidelity, "MAX_BLOCK_VALUES", most_values)
    n_read: list[int] = []
    read = CsrReader.rows

    def record(matrix: CsrReader, start: int, stop: int) -> Any:
        n_read.append(stop - start)
        return read(matrix, start, stop)

    monkeypatch.setattr(CsrReader, "rows", record)
    with open_h5ad(stored) as h5ad:
        fidelity.draw_cells(h5ad.matrix("X"), IDS, n=N_OBS, seed=0, rows_per_block=64)
    assert max(n_read) == most_rows
    assert sum(n_read) == N_OBS
