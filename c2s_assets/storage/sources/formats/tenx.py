"""Converts the HDF5 matrices of Cell Ranger and Space Ranger, of version 2 and from version 3 on."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray

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
    with open_hdf5(path) as hdf5, new_h5ad(target) as file:
        place = genome or _MATRIX
        group = open_member(hdf5.file, place, place=path.name)
        if not isinstance(group, h5py.Group):
            raise NotAnH5adError(f"{path.name} has no group {place!r}. Write it again with Cell Ranger.")
        barcodes = _text(group, "barcodes", place=place)
        index, columns = _features(group, place=place)
        is_wanted = _wanted(columns, len(index), feature_type=feature_type, place=place)
        _write_matrix(group, file, n_obs=len(barcodes), is_wanted=is_wanted, place=place)
        write_frame(file, "obs", index=barcodes, columns={})
        wanted = {name: column.filter(is_wanted) for name, column in columns.items()}
        write_frame(file, "var", index=index.filter(is_wanted), columns=wanted)


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


def _wanted(
    columns: Mapping[str, pl.Series], n_vars: int, *, feature_type: str | None, place: str
) -> NDArray[np.bool_]:
    """Say which features are of a type; all, if none is asked for."""
    if feature_type is None:
        return np.ones(n_vars, bool)
    types = columns.get(_TYPES)
    if types is None or feature_type not in types:
        raise NotAnH5adError(f"{place}/features has none of the type {feature_type!r}. Copy the file again.")
    return types.eq_missing(feature_type).to_numpy()


def _write_matrix(
    group: h5py.Group, file: h5py.File, *, n_obs: int, is_wanted: NDArray[np.bool_], place: str
) -> None:
    """Copy the values: a matrix of features by barcodes, by barcode, is one of cells by features, by cell."""
    n_vars, new_index = len(is_wanted), np.cumsum(is_wanted) - 1
    data, indices, indptr = (_numbers(group, name, place=place) for name in ("data", "indices", "indptr"))
    n_values = _length(data)
    for array in (data, indices, indptr):
        array.refuse_unproven(_length(array))
    bounds = indptr.read().astype(np.int64)
    if len(bounds) != n_obs + 1 or bounds[0] != 0 or bounds[-1] != n_values or (np.diff(bounds) < 0).any():
        raise InvalidMatrixError(
            f"{place}/indptr does not divide {n_values:,} values among {n_obs:,} barcodes. Fetch it again."
        )
    if _length(indices) != n_values:
        raise InvalidMatrixError(
            f"{place} has {n_values:,} values and {_length(indices):,} indices. Fetch the file again."
        )
    shape = (n_obs, int(is_wanted.sum()))
    matrix = CompressedMatrix(file, "X", encoding="csr", shape=shape, dtype=data.dtype)
    n_left_out = np.zeros_like(bounds)
    for start in range(0, n_values, _VALUES_AT_ONCE):
        features = indices.read(start, start + _VALUES_AT_ONCE).astype(np.int64)
        if features.min() < 0 or features.max() >= n_vars:
            outside = features[(features < 0) | (features >= n_vars)][0]
            raise InvalidMatrixError(
                f"{place}/indices names feature {outside}, but there are {n_vars:,}. Fetch the file again."
            )
        kept = is_wanted[features]
        matrix.append(new_index[features[kept]], data.read(start, start + _VALUES_AT_ONCE)[kept])
        left_out = start + np.flatnonzero(~kept)
        n_left_out += np.searchsorted(left_out, bounds)
    matrix.finish(bounds - n_left_out)


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
