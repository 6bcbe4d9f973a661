"""Writes the parts of an h5ad as they come; the same content gives the same bytes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.errors import UnsupportedEncodingError

# A value of a chunk costs inflating it; 65,536 are 256 kB of float32, as much as anndata's own chunks hold.
_CHUNK = 65_536
# Of a matrix of counts, level 4 saves 3 % of the bytes of level 1, for twice the time.
_COMPRESSION = {"compression": "gzip", "compression_opts": 1}


@contextmanager
def new_h5ad(path: Path) -> Iterator[h5py.File]:
    """Begin an h5ad; the caller writes obs, var and X into it."""
    with h5py.File(path, "w") as file:
        _encode(file, "anndata", "0.1.0")
        yield file


def write_frame(file: h5py.File, name: str, *, index: pl.Series, columns: Mapping[str, pl.Series]) -> None:
    """Write a dataframe; a column called as the index is, or with a slash, gets an underscore there."""
    group = file.create_group(name)
    group.attrs["_index"] = "_index"
    named = {column_name(column): values for column, values in columns.items()}
    group.attrs["column-order"] = np.array(list(named), dtype=h5py.string_dtype())
    _encode(group, "dataframe", "0.2.0")
    _write_text(group, "_index", index.to_list())
    for column, values in named.items():
        write_column(group, column, values)


def add_columns(file: h5py.File, name: str, columns: Mapping[str, pl.Series]) -> None:
    """Add columns to a dataframe that was written without any of these names."""
    group = file[name]
    named = {column_name(column): values for column, values in columns.items()}
    order = [*group.attrs["column-order"], *named]
    group.attrs["column-order"] = np.array(order, dtype=h5py.string_dtype())
    for column, values in named.items():
        write_column(group, column, values)


def column_name(name: str) -> str:
    """Return a name that a column can have: HDF5 takes a slash for a group."""
    name = name.replace("/", "_")
    return "index" if name in {"_index", "", "."} else name


def write_column(group: h5py.Group, name: str, values: pl.Series) -> None:
    """Write a column of a dataframe: text as a categorical, numbers with a mask where values are missing."""
    if values.dtype == pl.String:
        _write_categorical(group, name, values)
    elif values.null_count() and not values.dtype.is_float():
        masked = group.create_group(name)
        kind = "boolean" if values.dtype == pl.Boolean else "integer"
        _encode(masked, f"nullable-{kind}", "0.1.0")
        filled = values.fill_null(strategy="zero") if kind == "integer" else values.fill_null(value=False)
        write_array(masked, "values", filled.to_numpy())
        write_array(masked, "mask", values.is_null().to_numpy())
    else:
        write_array(group, name, values.to_numpy())


def new_group(parent: h5py.Group, name: str) -> h5py.Group:
    """Make a group of things by name."""
    group = parent.create_group(name)
    _encode(group, "dict", "0.1.0")
    return group


def open_or_new_group(parent: h5py.Group, name: str) -> h5py.Group:
    """Open the group of things by name that there is, or make it."""
    return parent[name] if isinstance(parent.get(name), h5py.Group) else new_group(parent, name)


def write_scalar(group: h5py.Group, name: str, value: str | float) -> None:
    """Write one text or number."""
    kind = "string" if isinstance(value, str) else "numeric-scalar"
    _encode(group.create_dataset(name, data=value), kind, "0.2.0")


def write_array(group: h5py.Group, name: str, values: NDArray[Any], *, is_compressed: bool = False) -> None:
    """Write numbers."""
    options = _COMPRESSION if is_compressed else {}
    _encode(group.create_dataset(name, data=values, **options), "array", "0.2.0")


class CompressedMatrix:
    """A sparse matrix of cells by features, written piece by piece: by cell if `csr`, by feature if `csc`.

    Parameters
    ----------
    shape
        Cells, features.
    dtype
        Of the values.
    """

    def __init__(
        self,
        file: h5py.File,
        name: str,
        *,
        encoding: Literal["csr", "csc"],
        shape: tuple[int, int],
        dtype: np.dtype[Any],
    ) -> None:
        group = file.create_group(name)
        group.attrs["shape"] = np.array(shape, dtype=np.int64)
        _encode(group, f"{encoding}_matrix", "0.1.0")
        n_minor = shape[1] if encoding == "csr" else shape[0]
        self._group = group
        self._index_type = np.dtype(np.int32 if n_minor <= np.iinfo(np.int32).max else np.int64)
        self._data = self._growing("data", dtype)
        self._indices = self._growing("indices", self._index_type)

    def append(self, indices: NDArray[Any], values: NDArray[Any]) -> None:
        """Add values, with the feature of each (if `csc`, its cell)."""
        start = self._data.shape[0]
        for dataset, piece in ((self._data, values), (self._indices, indices)):
            dataset.resize(start + len(piece), axis=0)
            dataset[start:] = piece

    def finish(self, indptr: NDArray[Any]) -> None:
        """Write where each cell (if `csc`, each feature) begins, and where the last one ends."""
        self._group.create_dataset("indptr", data=indptr.astype(np.int64), **_COMPRESSION)

    def _growing(self, name: str, dtype: np.dtype[Any]) -> h5py.Dataset:
        return self._group.create_dataset(
            name, shape=(0,), maxshape=(None,), chunks=(_CHUNK,), dtype=dtype, **_COMPRESSION
        )


def _write_categorical(group: h5py.Group, name: str, values: pl.Series) -> None:
    categories = values.drop_nulls().unique().sort()
    codes = values.replace_strict(categories, pl.arange(len(categories), eager=True), return_dtype=pl.Int32)
    column = group.create_group(name)
    column.attrs["ordered"] = np.bool_(False)
    _encode(column, "categorical", "0.2.0")
    write_array(column, "codes", codes.fill_null(-1).to_numpy())
    _write_text(column, "categories", categories.to_list())


def _write_text(group: h5py.Group, name: str, values: Sequence[str]) -> None:
    for position, value in enumerate(values):
        if "\0" in value:
            raise UnsupportedEncodingError(
                f"{group.name}/{name} holds {value[:60]!r} in row {position}: HDF5 takes the zero byte for "
                f"the end of a text. Remove it from the source."
            )
    text = np.array(values, dtype=object)
    _encode(group.create_dataset(name, data=text, dtype=h5py.string_dtype()), "string-array", "0.2.0")


def _encode(element: Any, kind: str, version: str) -> None:
    element.attrs["encoding-type"] = kind
    element.attrs["encoding-version"] = version
