"""Makes cells of the bins of Visium HD: the expression of a cell is the sum of those that lie in it."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.errors import EmptyDatasetError
from c2s_assets.core.expression.csr import matrix_of
from c2s_assets.core.spatial.bins import BinOwners, own_bins
from c2s_assets.core.spatial.outlines import Outlines
from c2s_assets.storage.sources.formats.outline_files import read_geojson
from c2s_assets.storage.sources.formats.space_ranger import PX, read_places, tissue_of_cells
from c2s_assets.storage.sources.formats.tenx import TenxMatrix, open_tenx
from c2s_assets.storage.sources.formats.tissue_folders import TissueFiles
from c2s_assets.storage.sources.formats.tissues import add_tissue
from c2s_assets.storage.sources.formats.writing import CompressedMatrix, new_h5ad, write_frame
from c2s_assets.storage.spatial.library import BINS
from c2s_assets.storage.tables.buckets import VALUES_PER_BUCKET, Buckets

_NUCLEI = "nucleus"
_COLUMN, _ROW = "array_col", "array_row"


def convert_cells_of_bins(files: TissueFiles, target: Path) -> None:
    """Write cells as h5ad: those of the outlines that have a bin, in the order of the outlines.

    A bin belongs to the cell that has its middle; one that several have, to that with the nearest centre. How
    many there were of each is in ``uns/spatial/<name>/bins``. Memory is bounded by the names of the bins and
    by 8 million values.

    Raises
    ------
    NotAnH5adError, InvalidIdsError, InvalidMatrixError
        If a file is not what it is called, or they do not belong together.
    EmptyDatasetError
        If no bin lies in a cell.
    """
    assert files.outlines is not None  # noqa: S101  as `find_tissue` found it
    ids, outlines = read_geojson(files.outlines)
    with open_tenx(files.matrix) as matrix, new_h5ad(target) as file:
        owners = _owners(files, matrix, outlines)
        cells = np.flatnonzero(owners.n_bins)
        if not len(cells):
            raise EmptyDatasetError(
                f"none of {len(owners.cell):,} bins lies in one of {len(ids):,} outlines of "
                f"{files.outlines.name}. Are these in pixels of the full-resolution image?"
            )
        with TemporaryDirectory(dir=target.parent) as scratch:
            _write_sums(file, matrix, _renumbered(owners.cell, cells), Path(scratch))
        write_frame(file, "obs", index=_names(ids)[cells], columns={})
        write_frame(file, "var", index=matrix.index, columns=matrix.columns)
        tissue, columns = tissue_of_cells(files, outlines.taken(cells))
        says = _counted(owners, is_of_nuclei=_NUCLEI in files.outlines.name)
        n_bins = pl.Series(owners.n_bins[cells], dtype=pl.Int32)
        add_tissue(file, tissue, {**columns, "n_bins": n_bins}, says={BINS: says})


def _owners(files: TissueFiles, matrix: TenxMatrix, outlines: Outlines) -> BinOwners:
    places = read_places(files, matrix.barcodes)
    column, row = (places[name].to_numpy() for name in (_COLUMN, _ROW))
    return own_bins(outlines, places.select(PX).to_numpy(), column=column, row=row)


def _counted(owners: BinOwners, *, is_of_nuclei: bool) -> dict[str, str | float]:
    return {
        "outlines": "nuclei" if is_of_nuclei else "cells",
        "n_outlines": len(owners.n_bins),
        "n_outlines_without_bin": int((owners.n_bins == 0).sum()),
        "n_bins": len(owners.cell),
        "n_bins_in_a_cell": int((owners.cell >= 0).sum()),
        "n_bins_in_several": int((owners.n_claims > 1).sum()),
    }


def _renumbered(cell: NDArray[np.int32], cells: NDArray[np.int64]) -> NDArray[np.int32]:
    """Count only the cells that are kept."""
    found = np.searchsorted(cells, cell).astype(np.int32)
    return np.where(cell < 0, np.int32(-1), found)


def _names(ids: pl.Series) -> pl.Series:
    """Name cells as Space Ranger does, where they are numbered as it does."""
    if not ids.dtype.is_integer():
        return ids.cast(pl.String)
    return "cellid_" + ids.cast(pl.String).str.zfill(9) + "-1"


def _write_sums(file: h5py.File, matrix: TenxMatrix, cell: NDArray[np.int32], scratch: Path) -> None:
    """Put the bins aside by ranges of cells, and add up those of each."""
    n_values = np.bincount(cell[cell >= 0], np.diff(matrix.bounds)[cell >= 0]).astype(np.int64)
    bucket_of_cell = (np.cumsum(n_values) // VALUES_PER_BUCKET).astype(np.int32)
    buckets = Buckets(scratch, np.where(cell < 0, np.int32(-1), bucket_of_cell[cell]))
    for start, block in matrix.rows():
        buckets.add(start, block)
    buckets.flush()
    shape = (len(n_values), len(matrix.index))
    written = CompressedMatrix(file, "X", encoding="csr", shape=shape, dtype=np.dtype(np.int32))
    lengths = [np.zeros(1, np.int64)]
    for sums in _sums(buckets, cell, bucket_of_cell, n_features=shape[1]):
        written.append(sums.indices, sums.data.astype(np.int32))
        lengths.append(np.diff(sums.indptr))
    written.finish(np.cumsum(np.concatenate(lengths)))


def _sums(
    buckets: Buckets, cell: NDArray[np.int32], bucket_of_cell: NDArray[np.int32], *, n_features: int
) -> Iterator[Any]:
    firsts = np.searchsorted(bucket_of_cell, np.arange(bucket_of_cell[-1] + 2))
    for bucket, (first, stop) in enumerate(itertools.pairwise(firsts)):
        bins, rows = buckets.take(bucket)
        members = csr_array(
            (np.ones(len(bins)), (cell[bins] - first, np.arange(len(bins)))), shape=(stop - first, len(bins))
        )
        sums = members @ matrix_of(rows, n_columns=n_features)
        sums.sort_indices()
        yield sums
