"""Converts loom files: a dense matrix of genes by cells, with attributes of both."""

from pathlib import Path

import h5py
import numpy as np
import polars as pl

from c2s_assets.core.errors import InvalidMatrixError, NotAnH5adError, UnsupportedEncodingError
from c2s_assets.storage.h5ad.access import Array, as_array, open_member, reading
from c2s_assets.storage.h5ad.columns import open_column
from c2s_assets.storage.h5ad.hdf5 import open_hdf5
from c2s_assets.storage.sources.formats.writing import CompressedMatrix, new_h5ad, write_array, write_frame

_BYTES_AT_ONCE = 128 * 2**20
_CELL_NAMES = ("CellID", "obs_names", "cell_names", "Barcode")
_GENE_NAMES = ("Gene", "var_names", "gene_names", "Accession")
# By this name the Ensembl ids of a feature are known.
_COLUMN_NAMES = {"Accession": "gene_ids"}


def convert_loom(path: Path, target: Path) -> None:
    """Write matrix and layers as h5ad, by feature; attributes of one axis become columns, of two `obsm`.

    Memory is bounded by 128 MB of the matrix, or eight times that for tall chunks. Attributes that hold
    neither numbers nor text are left out.

    Raises
    ------
    NotAnH5adError, InvalidMatrixError
        If a part is missing, or the parts contradict each other.
    """
    with open_hdf5(path) as hdf5, new_h5ad(target) as file:
        matrix = _matrix(hdf5.file, "matrix")
        n_vars, n_obs = matrix.shape or (0, 0)
        cells = _Attributes(hdf5.file, "col_attrs", n_obs)
        genes = _Attributes(hdf5.file, "row_attrs", n_vars)
        for name, axis, names in (("obs", cells, _CELL_NAMES), ("var", genes, _GENE_NAMES)):
            index = axis.index(names)
            columns = {_COLUMN_NAMES.get(key, key): axis.read(key) for key in axis.lists if key != index}
            write_frame(file, name, index=axis.read(index).cast(pl.String), columns=columns)
        _write_matrix(file, "X", matrix)
        _write_layers(hdf5.file, file, shape=(n_vars, n_obs))
        obsm = file.create_group("obsm")
        for key in cells.tables:
            write_array(obsm, key, cells.array(key).read())


class _Attributes:
    """The attributes of one axis: `lists` have a value for each row, `tables` several numbers."""

    def __init__(self, file: h5py.File, place: str, n_rows: int) -> None:
        self._group, self._place = open_member(file, place, place=place), place
        if not isinstance(self._group, h5py.Group):
            raise NotAnH5adError(
                f"{place} is no group: the file is no loom file. Write it again with loompy."
            )
        self.lists: list[str] = []
        self.tables: list[str] = []
        with reading(place):
            names = sorted(self._group)
        for name in names:
            array = as_array(open_member(self._group, name, place=place), place=f"{place}/{name}")
            shape = None if array is None else array.shape
            if array is None or not shape or shape[0] != n_rows or not _is_readable(array):
                continue
            if len(shape) == 1:
                self.lists.append(name)
            elif len(shape) == 2 and array.dtype.kind in "iuf":
                self.tables.append(name)

    def index(self, names: tuple[str, ...]) -> str:
        """Return the attribute that names the rows."""
        found = next((name for name in names if name in self.lists), None)
        if found is None:
            raise NotAnH5adError(
                f"{self._place} has none of {', '.join(names)}, which would name its rows; it has "
                f"{', '.join(self.lists[:20]) or 'nothing'}. Add one of these attributes with loompy."
            )
        return found

    def read(self, name: str) -> pl.Series:
        """Read an attribute with one value for each row."""
        return open_column(self._group[name], place=f"{self._place}/{name}").read()

    def array(self, name: str) -> Array:
        """Return an attribute with several values for each row."""
        array = Array(self._group[name], f"{self._place}/{name}")
        array.refuse_unproven(int(np.prod(array.shape or (), dtype=object)))
        return array


def _is_readable(array: Array) -> bool:
    try:
        return array.is_text or array.dtype.kind in "iufb"
    except UnsupportedEncodingError:
        return False


def _write_layers(source: h5py.File, file: h5py.File, *, shape: tuple[int, int]) -> None:
    group = open_member(source, "layers", place="layers")
    if not isinstance(group, h5py.Group):
        return
    with reading("layers"):
        names = sorted(group)
    for name in names:
        layer = _matrix(source, f"layers/{name}")
        if layer.shape != shape:
            raise InvalidMatrixError(
                f"layers/{name} has shape {layer.shape}, but the matrix {shape}. Fetch the file again."
            )
        _write_matrix(file, f"layers/{name}", layer)


def _matrix(file: h5py.File, place: str) -> Array:
    array = as_array(open_member(file, place, place=place), place=place)
    if array is None or array.shape is None or len(array.shape) != 2 or array.dtype.kind not in "iuf":
        raise NotAnH5adError(f"{place} is no matrix of numbers. Write the file again with loompy.")
    array.refuse_unproven(array.shape[0] * array.shape[1])
    return array


def _write_matrix(file: h5py.File, name: str, matrix: Array) -> None:
    """Write the values that are not zero: rows of a loom matrix are features, one after the other."""
    n_vars, n_obs = matrix.shape or (0, 0)
    written = CompressedMatrix(file, name, encoding="csc", shape=(n_obs, n_vars), dtype=matrix.dtype)
    chunk = (matrix.chunks or (1, 1))[0]
    rows = max(1, _BYTES_AT_ONCE // max(1, n_obs * matrix.dtype.itemsize))
    if chunk < 8 * rows:  # whole chunks, so that each is inflated once
        rows = max(rows // chunk, 1) * chunk
    n_values = np.zeros(n_vars + 1, dtype=np.int64)
    for start in range(0, n_vars, rows):
        block = matrix.read(start, start + rows)
        features, cells = np.nonzero(block)
        written.append(cells, block[features, cells])
        n_values[start + 1 : start + len(block) + 1] = np.count_nonzero(block, axis=1)
    written.finish(np.cumsum(n_values))
