"""What is made of the folders of Space Ranger and Xenium."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anndata as ad
import numpy as np
import polars as pl
import pytest

from c2s_assets.core.errors import C2SError
from c2s_assets.storage.h5ad.source import H5ad, open_h5ad
from c2s_assets.storage.sources.adding import Wish, add_path
from c2s_assets.storage.sources.formats.convert import convert
from c2s_assets.storage.sources.formats.folders import datasets_at
from c2s_assets.storage.sources.formats.recognise import recognise
from c2s_assets_tests.storage.sources.apart import nothing_apart
from c2s_assets_tests.tissues import (
    HIRES,
    counts_of,
    square,
    write_cells,
    write_geojson,
    write_spots,
    write_xenium,
)
from c2s_assets_tests.toy import NASTY, make_lake

__all__ = ["nothing_apart"]
pytestmark = pytest.mark.usefixtures("nothing_apart")
# Cells of 20, 30 and 40 pixels; the second is in two pieces, of which the larger one counts.
CELLS = {
    3: square(0, 0, 20),
    12: [[[500.0, 0.0], [501.0, 0.0], [501.0, 1.0]], square(100, 0, 30)],
    7: square(0, 200, 40),
}


def below_any_folder(folder: Path) -> Path:
    """Move a folder below one whose name says nothing."""
    above = folder.with_name(NASTY)
    above.mkdir()
    return folder.rename(above / folder.name)


@contextmanager
def converted(folder: Path) -> Iterator[H5ad]:
    target = folder.with_name("converted.h5ad")
    convert(recognise(folder), target, part=None)
    with open_h5ad(target) as h5ad:
        yield h5ad


def counts(h5ad: H5ad) -> np.ndarray:
    return np.concatenate([block.toarray() for _, block in h5ad.matrix("X").blocks(rows=5)])


@pytest.mark.parametrize(
    "positions", ["tissue_positions.parquet", "tissue_positions.csv", "tissue_positions_list.csv"]
)
def test_spots_lie_where_their_barcodes_do(tmp_path: Path, positions: str) -> None:
    placed = write_spots(tmp_path / "slide", positions=positions, spot_diameter_fullres=130.0)
    with converted(below_any_folder(tmp_path / "slide")) as h5ad:
        assert h5ad.obs.index().to_list() == placed["barcode"].to_list()
        xy_px = placed.select("pxl_col_in_fullres", "pxl_row_in_fullres").to_numpy()
        np.testing.assert_allclose(h5ad.read_embedding("spatial"), xy_px)
        assert h5ad.obs.read("array_col").to_list() == placed["array_col"].to_list()
        assert h5ad.obs.read("assay").unique().to_list() == ["Visium Spatial Gene Expression"]
        library = h5ad.uns(max_values=100)["spatial"]["slide"]
        assert library["scalefactors"] == {"tissue_hires_scalef": 0.1, "spot_diameter_fullres": 130}
        assert (library["unit"], library["images"]["hires"]["summary"]["shape"]) == ("spot", [*HIRES.shape])
        np.testing.assert_array_equal(counts(h5ad), counts_of(11))
    read = ad.read_h5ad(tmp_path / NASTY / "converted.h5ad")
    np.testing.assert_array_equal(read.uns["spatial"]["slide"]["images"]["hires"], HIRES)


def test_bins_are_known_by_their_size(tmp_path: Path) -> None:
    write_spots(tmp_path / "brain" / "outs" / "binned_outputs" / "square_008um", bin_size_um=8.0)
    outs = tmp_path / "brain" / "outs"
    assert recognise(outs).name == "brain_square_008um"
    assert recognise(outs / "binned_outputs" / "square_008um").name == "brain_square_008um"
    with converted(outs) as h5ad:
        assert h5ad.uns(max_values=100)["spatial"]["brain_square_008um"]["unit"] == "bin"
        assert h5ad.obs.read("assay")[0] == "Visium HD Spatial Gene Expression"


def test_a_run_with_bins_of_several_sizes_asks_which(tmp_path: Path) -> None:
    for size in (2, 8):
        write_spots(tmp_path / "outs" / "binned_outputs" / f"square_{size:03d}um", bin_size_um=size)
    with pytest.raises(C2SError, match=r"has bins of 2 sizes \(.*square_002um, .*square_008um\)"):
        recognise(tmp_path / "outs")


def test_cells_of_space_ranger_lie_in_the_middle_of_their_outlines(tmp_path: Path) -> None:
    write_cells(tmp_path / "brain" / "outs" / "segmented_outputs", CELLS)
    with converted(tmp_path / "brain" / "outs") as h5ad:
        assert h5ad.obs.index().to_list() == [f"cellid_{number:09d}-1" for number in (3, 7, 12)]
        np.testing.assert_allclose(h5ad.read_embedding("spatial"), [[10, 10], [20, 220], [115, 15]])
        assert h5ad.obs.read("cell_area").to_list() == [100, 400, 225]
        outlines = h5ad.uns_array("spatial/brain/outlines/begins")
        assert outlines is not None
        assert outlines.read().tolist() == [0, 4, 8, 12]
        np.testing.assert_array_equal(counts(h5ad), counts_of(3))


def test_bins_in_the_outline_of_a_cell_become_that_cell(tmp_path: Path) -> None:
    """Bins are 4 columns and 3 rows of 8 um, 16 pixels, from (20, 70) on; the last one is not counted."""
    folder = tmp_path / "brain" / "outs" / "binned_outputs" / "square_008um"
    placed = write_spots(folder, bin_size_um=8.0, microns_per_pixel=0.5)
    cells = {
        7: square(12, 62, 32),  # the first two bins of the first two rows
        2: square(44, 62, 30),  # the third and fourth of the first row, and of the second
        5: square(40, 62, 12),  # none: it lies between them
        9: square(30, 84, 40),  # two of the last row; three others of it are nearer to the cells above
        4: square(900, 900, 16),  # none
    }
    write_geojson(folder / "cell_segmentations.geojson", cells)
    counted = dict(zip(placed["barcode"], counts_of(11), strict=True))
    with converted(folder) as h5ad:
        assert h5ad.obs.index().to_list() == [f"cellid_{number:09d}-1" for number in (7, 2, 9)]
        assert h5ad.obs.read("n_bins").to_list() == [4, 4, 2]
        bins = [(0, 1, 4, 5), (2, 3, 6, 7), (9, 10)]
        expected = [sum(counted[f"s_{number:05d}-1"] for number in cell) for cell in bins]
        np.testing.assert_array_equal(counts(h5ad), expected)
        library = h5ad.uns(max_values=100)["spatial"]["brain_square_008um"]
        assert library["unit"] == "cell"
        assert library["scalefactors"] == {"tissue_hires_scalef": 0.1, "microns_per_pixel": 0.5}
        assert library["bins"] == {
            "outlines": "cells",
            "n_outlines": 5,
            "n_outlines_without_bin": 2,
            "n_bins": 11,
            "n_bins_in_a_cell": 10,
            "n_bins_in_several": 3,
        }


def test_outlines_that_have_no_bin_are_refused(tmp_path: Path) -> None:
    write_spots(tmp_path / "bins", bin_size_um=8.0)
    write_geojson(tmp_path / "bins" / "nucleus_segmentations.geojson", {1: square(900, 900, 50)})
    with (
        pytest.raises(C2SError, match=r"none of 11 bins lies in one of 1 outlines of nucleus_seg"),
        converted(tmp_path / "bins"),
    ):
        pass


def test_xenium_is_read_without_its_controls(tmp_path: Path) -> None:
    cells = write_xenium(tmp_path / "run", pixel_size=0.2)
    with converted(below_any_folder(tmp_path / "run")) as h5ad:
        assert h5ad.obs.index().to_list() == cells["cell_id"].to_list()
        assert h5ad.var.index().to_list() == ["GENE1", "GENE3"]
        np.testing.assert_array_equal(counts(h5ad), counts_of(4)[:, [1, 3]])
        centres = cells.select("x_centroid", "y_centroid").to_numpy() / 0.2
        np.testing.assert_allclose(h5ad.read_embedding("spatial"), centres)
        assert set(h5ad.obs.names) == {"transcript_counts", "cell_area", "assay"}
        corners = h5ad.uns_array("spatial/run/outlines/xy")
        assert corners is not None
        np.testing.assert_allclose(corners.read()[:4], np.array(square(65, 20, 10)[:4]) / 0.2)
        assert h5ad.uns(max_values=1)["spatial"]["run"]["scalefactors"] == {"microns_per_pixel": 0.2}


def test_a_folder_is_added_as_a_file_is_and_again_it_is_known(tmp_path: Path) -> None:
    layout, run = make_lake(tmp_path), tmp_path / "run"
    write_xenium(run)
    assert datasets_at(run).datasets == (run,)
    added = add_path(layout, run, Wish())
    first = added.path.read_bytes()
    assert (added.dataset_id, added.is_converted) == ("run", True)
    assert not add_path(layout, run, Wish()).is_new
    assert add_path(layout, run, Wish(replace=True)).path.read_bytes() == first


def test_a_folder_of_sections_holds_each_of_them_also_one_that_lacks_a_file(tmp_path: Path) -> None:
    for name in ("left", "right"):
        write_xenium(tmp_path / "study" / name)
    _without(tmp_path / "study" / "right", "cells.parquet")
    found = datasets_at(tmp_path / "study").datasets
    assert [path.name for path in found] == ["left", "right"]
    with pytest.raises(C2SError, match=r"right has no cells\.parquet"):
        recognise(found[1])


def _without(folder: Path, name: str) -> None:
    (folder / name).unlink()


def _other_cells(folder: Path, _: str) -> None:
    table = pl.read_parquet(folder / "cells.parquet")
    table.head(3).write_parquet(folder / "cells.parquet")


def _torn(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("spoil", "name", "message"),
    [
        (_without, "cells.parquet", r"has no cells\.parquet\. Copy the folder as it was written"),
        (_other_cells, "cells.parquet", r"cells\.parquet does not have 1 of 4 cells .* 'dddd-1'"),
        (_torn, "cells.parquet", r"cells\.parquet is no table of cells with centroids"),
        (_torn, "cell_boundaries.parquet", r"cell_boundaries\.parquet is no table of corners"),
        (_torn, "experiment.xenium", r"experiment\.xenium is no JSON with a pixel_size"),
        (_torn, "cell_feature_matrix.h5", "is not a complete HDF5 file"),
    ],
)
def test_what_is_wrong_with_a_folder_is_named(tmp_path: Path, spoil: object, name: str, message: str) -> None:
    write_xenium(tmp_path / "run")
    spoil(tmp_path / "run", name)  # type: ignore[operator]
    with pytest.raises(C2SError, match=message), converted(tmp_path / "run"):
        pass


def test_outlines_that_are_damaged_or_of_other_cells_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "cells"
    write_cells(folder, CELLS)
    whole = (folder / "cell_segmentations.geojson").read_text()
    for text, message in [
        (whole[:-200], r"cell_segmentations\.geojson is no GeoJSON .* after 1 of them"),
        ("{}", "after 0 of them"),
        (json.dumps({"features": []}), "has no cell"),
        (whole.replace('"cell_id": 12', '"cell_id": 3'), "has the cell 3 several times"),
        (whole.replace('"cell_id": 12', '"cell_id": 4'), "does not have 1 of 3 cells of the matrix"),
    ]:
        (folder / "cell_segmentations.geojson").write_text(text)
        with pytest.raises(C2SError, match=message), converted(folder):
            pass


def test_a_small_image_that_is_none_is_named(tmp_path: Path) -> None:
    write_spots(tmp_path / "slide", spot_diameter_fullres=130.0)
    (tmp_path / "slide" / "spatial" / "tissue_hires_image.png").write_bytes(b"\x89PNG")
    with pytest.raises(C2SError, match=r"image tissue_hires_image\.png is no"), converted(tmp_path / "slide"):
        pass
