"""Converts the HDF5 matrices of Cell Ranger and Space Ranger, of version 2 and from version 3 on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.errors import InvalidMatrixError, NotAnH5adError, UnsupportedEncodingError
from c2s_assets.storage.h5ad.access import Array, as_array, open_member, reading
from c2s_assets.storage.h5ad.columns import open_column
from c2s_assets.storage.h5ad.hdf5 import open_hdf5
from c2s_assets.storage.sources.formats.writing import CompressedMatrix, new_h5ad, write_frame

_VALUES_AT_ONCE = 2**22
_MATRIX = "matrix"
_TYPES = "feature_types"
# As scanpy calls them, so that a file converted there gives the same tables.
_COLUMN_NAMES = {"id": "gene_ids", "feature_type": _TYPES}


def convert_tenx(path: Path, target: Path, *, genome: str | None, feature_type: str | None = None) -> None:
    """Write the matrix as h5ad: all barcodes, features of all types, as scanpy names their columns.

    Memory is bounded by 4 million values, and by the names of features and barcodes.

    Parameters
    ----------
    genome
        Which matrix of a file of version 2; None for later ones.
    feature_type
        The only one that is wanted, if not all are.

    Raises
    ------
    NotAnH5adError, InvalidMatrixError
        If a part is missing, or the parts contradict each other.
    """
    with open_tenx(path, genome=genome) as matrix, new_h5ad(target) as file:
        is_wanted = matrix.of_type(feature_type)
        _write_matrix(matrix, file, is_wanted)
        write_frame(file, "obs", index=matrix.barcodes, columns={})
        wanted = {name: column.filter(is_wanted) for name, column in matrix.columns.items()}
        write_frame(file, "var", index=matrix.index.filter(is_wanted), columns=wanted)


@dataclass(frozen=True)
class TenxMatrix:
    """An open matrix of features by barcodes, by barcode, which is one of cells by features, by cell.

    Attributes
    ----------
    index, columns
        Names of the features, and what else is said of them.
    bounds
        Where the values of each barcode begin, shape ``(n_barcodes + 1,)``.
    """

    place: str
    barcodes: pl.Series
    index: pl.Series
    columns: Mapping[str, pl.Series]
    bounds: NDArray[np.int64]
    _indices: Array
    _data: Array

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its values."""
        return self._data.dtype

    def of_type(self, feature_type: str | None) -> NDArray[np.bool_]:
        """Say which features are of a type; all, if none is asked for."""
        if feature_type is None:
            return np.ones(len(self.index), bool)
        types = self.columns.get(_TYPES)
        if types is None or feature_type not in types:
            raise NotAnH5adError(
                f"{self.place}/features has none of the type {feature_type!r}. Copy the file again."
            )
        return types.eq_missing(feature_type).to_numpy()

    def values(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Read values in stored order, with the feature of each.

        Raises
        ------
        InvalidMatrixError
            If there is no such feature.
        """
        features = self._indices.read(start, stop).astype(np.int64)
        outside = features[(features < 0) | (features >= len(self.index))]
        if len(outside):
            raise InvalidMatrixError(
                f"{self.place}/indices names feature {outside[0]}, but there are {len(self.index):,}. Fetch "
                f"the file again."
            )
        return features, self._data.read(start, stop)

    def rows(self) -> Iterator[tuple[int, csr_array]]:
        """Read the cells block by block, with the number of the first."""
        first = 0
        while first < len(self.barcodes):
            within = np.searchsorted(self.bounds, self.bounds[first] + _VALUES_AT_ONCE, side="right") - 1
            stop = max(first + 1, int(within))
            features, values = self.values(int(self.bounds[first]), int(self.bounds[stop]))
            indptr = self.bounds[first : stop + 1] - self.bounds[first]
            yield first, csr_array((values, features, indptr), shape=(stop - first, len(self.index)))
            first = stop


@contextmanager
def open_tenx(path: Path, *, genome: str | None = None) -> Iterator[TenxMatrix]:
    """Open a matrix; see `convert_tenx` for what is raised."""
    place = genome or _MATRIX
    with open_hdf5(path) as hdf5:
        group = open_member(hdf5.file, place, place=path.name)
        if not isinstance(group, h5py.Group):
            raise NotAnH5adError(f"{path.name} has no group {place!r}. Write it again with Cell Ranger.")
        barcodes = _text(group, "barcodes", place=place)
        index, columns = _features(group, place=place)
        data, indices, indptr = (_numbers(group, name, place=place) for name in ("data", "indices", "indptr"))
        for array in (data, indices, indptr):
            array.refuse_unproven(_length(array))
        bounds = indptr.read().astype(np.int64)
        _check(bounds, n_obs=len(barcodes), data=data, indices=indices, place=place)
        yield TenxMatrix(place, barcodes, index, columns, bounds, indices, data)


def _check(bounds: NDArray[np.int64], *, n_obs: int, data: Array, indices: Array, place: str) -> None:
    n_values = _length(data)
    if len(bounds) != n_obs + 1 or bounds[0] != 0 or bounds[-1] != n_values or (np.diff(bounds) < 0).any():
        raise InvalidMatrixError(
            f"{place}/indptr does not divide {n_values:,} values among {n_obs:,} barcodes. Fetch it again."
        )
    if _length(indices) != n_values:
        raise InvalidMatrixError(
            f"{place} has {n_values:,} values and {_length(indices):,} indices. Fetch the file again."
        )


def _features(group: h5py.Group, *, place: str) -> tuple[pl.Series, dict[str, pl.Series]]:
    """Read the names of the features and their columns."""
    features = open_member(group, "features", place=place)
    if not isinstance(features, h5py.Group):
        index = _text(group, "gene_names", place=place)
        return index, {"gene_ids": _text(group, "genes", place=place)}
    place = f"{place}/features"
    index = _text(features, "name", place=place)
    columns = {}
    with reading(place):
        names = sorted(set(features) - {"name"})
    for name in names:
        element = open_member(features, name, place=place)
        if isinstance(element, h5py.Dataset) and element.shape == (len(index),):
            columns[_COLUMN_NAMES.get(name, name)] = open_column(element, place=f"{place}/{name}").read()
    return index, columns


def _write_matrix(matrix: TenxMatrix, file: h5py.File, is_wanted: NDArray[np.bool_]) -> None:
    shape = (len(matrix.barcodes), int(is_wanted.sum()))
    written = CompressedMatrix(file, "X", encoding="csr", shape=shape, dtype=matrix.dtype)
    new_index = np.cumsum(is_wanted) - 1
    n_values, n_left_out = int(matrix.bounds[-1]), np.zeros_like(matrix.bounds)
    for start in range(0, n_values, _VALUES_AT_ONCE):
        features, values = matrix.values(start, min(start + _VALUES_AT_ONCE, n_values))
        kept = is_wanted[features]
        written.append(new_index[features[kept]], values[kept])
        n_left_out += np.searchsorted(start + np.flatnonzero(~kept), matrix.bounds)
    written.finish(matrix.bounds - n_left_out)


def _numbers(group: h5py.Group, name: str, *, place: str) -> Array:
    array = as_array(open_member(group, name, place=place), place=f"{place}/{name}")
    if array is None or array.shape is None or len(array.shape) != 1:
        raise NotAnH5adError(
            f"{place} has no list {name!r}: it is no 10x matrix. Write it again with Cell Ranger."
        )
    if array.dtype.kind not in "iuf":
        raise UnsupportedEncodingError(f"{array.place} has type {array.dtype_name}. Store numbers.")
    return array


def _length(array: Array) -> int:
    return (array.shape or (0,))[0]


def _text(group: h5py.Group, name: str, *, place: str) -> pl.Series:
    element = open_member(group, name, place=place)
    if not isinstance(element, h5py.Dataset) or element.ndim != 1:
        raise NotAnH5adError(
            f"{place} has no list {name!r}: it is no 10x matrix. Write it again with Cell Ranger."
        )
    return open_column(element, place=f"{place}/{name}").read().cast(pl.String)
