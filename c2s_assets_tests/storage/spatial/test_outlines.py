"""Tests of the outlines that a file has of its cells."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from c2s_assets.core.errors import SourceError
from c2s_assets.core.spatial.alignment import SAME, scaled_by
from c2s_assets.core.spatial.outlines import Outlines, cells_have_outlines, outlines_have_bins
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets.storage.spatial.library import read_library
from c2s_assets.storage.spatial.outlines import outline_rows, read_outlines
from c2s_assets_tests.toy import write_toy_h5ad

BEGINS, XY = np.array([0, 3, 3, 7]), np.arange(14.0, dtype=np.float32).reshape(7, 2)


def _read(path: Path, **arrays: Any) -> Outlines | None:
    outlines = {"begins": BEGINS, "xy": XY, **arrays}
    library = {"scalefactors": {"microns_per_pixel": 0.5}, "outlines": outlines}
    write_toy_h5ad(path, n_obs=3, uns={"spatial": {"toy": library}})
    with open_h5ad(path) as h5ad:
        return read_outlines(h5ad, read_library(h5ad))


def test_outlines_come_back_in_pixels_of_the_image(tmp_path: Path) -> None:
    outlines = _read(tmp_path / "toy.h5ad")
    (table,) = outline_rows(pl.Series(["a", "b", "c"]), outlines, scaled_by(0.5))
    assert table.to_pydict() == {
        "cell_id": ["a", "b", "c"],
        "outline_x_px": [[0, 1, 2], None, [3, 4, 5, 6]],
        "outline_y_px": [[0.5, 1.5, 2.5], None, [3.5, 4.5, 5.5, 6.5]],
    }
    found = cells_have_outlines(outlines, n_cells=3)
    assert (found.holds, found.message) == (False, "2 of 3 cells have an outline.")


def test_without_outlines_rows_are_null(tmp_path: Path) -> None:
    with open_h5ad(write_toy_h5ad(tmp_path / "toy.h5ad", n_obs=3)) as h5ad:
        outlines = read_outlines(h5ad, read_library(h5ad))
    (table,) = outline_rows(pl.Series(["a", "b", "c"]), outlines, SAME)
    assert table["outline_x_px"].null_count == 3
    assert cells_have_outlines(outlines, n_cells=3).holds


@pytest.mark.parametrize(
    "arrays",
    [
        {"begins": np.array([0, 3, 7])},
        {"begins": np.array([0, 5, 3, 7])},
        {"begins": np.array([0, 3, 3, 8])},
        {"begins": np.array([1, 3, 3, 7])},
        {"begins": np.array([0.0, 3, 3, 7])},
        {"xy": XY[:, :1]},
    ],
    ids=["too few", "going back", "beyond the end", "not from the start", "no integers", "one axis"],
)
def test_outlines_that_do_not_fit_the_cells_are_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    with pytest.raises(SourceError, match="uns/spatial/toy/outlines does not divide 7 corners among 3 cells"):
        _read(tmp_path / "toy.h5ad", **arrays)


def test_outlines_without_bins_are_counted_and_many_are_a_note() -> None:
    bins = {"outlines": "nuclei", "n_outlines": 20, "n_bins": 1_000, "n_bins_in_a_cell": 600}
    few = outlines_have_bins({**bins, "n_outlines_without_bin": 1, "n_bins_in_several": 30})
    assert few.holds
    assert few.message == (
        "outlines of nuclei: 1 of 20 (5.0%) have no bin and became no cell. Of 1,000 bins 60.0% lie in a "
        "cell, 3.0% in several."
    )
    many = outlines_have_bins({**bins, "n_outlines_without_bin": 10, "n_bins_in_several": 30})
    assert not many.holds
    assert many.message.endswith("Are the outlines those of this section, in pixels of the same image?")
    assert outlines_have_bins({}).holds
