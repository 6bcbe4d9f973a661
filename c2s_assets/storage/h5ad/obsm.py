"""What obsm holds besides embeddings: dataframes, lists of one value per cell, sparse matrices."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import h5py
import polars as pl

from c2s_assets.core.errors import NotAnH5adError, SourceError, UnsafeFileError, UnsupportedEncodingError
from c2s_assets.storage.h5ad.access import (
    Array,
    open_member,
    read_attribute,
    read_shape_attribute,
    read_text_attribute,
    reading,
)
from c2s_assets.storage.h5ad.columns import Column, open_column, open_plain
from c2s_assets.storage.h5ad.frames import open_frame, refuse_beyond_int64
from c2s_assets.storage.h5ad.matrix import DenseMatrix, SparseMatrix, open_matrix

_SPARSE = frozenset({"csr_matrix", "csc_matrix"})
# A dataframe with more is a matrix, of which no table with a column each should be made.
_MOST_COLUMNS = 4_096

# How to open each column of a table, by its name.
Openers = Mapping[str, Callable[[], Column]]


@dataclass(frozen=True)
class ColumnTable:
    """Columns with one value per cell each, all of which have been read once."""

    columns: Mapping[str, Column]

    def blocks(self, *, rows: int, n_obs: int) -> Iterator[tuple[int, pl.DataFrame]]:
        """Read ``(start_row, block)``, `rows` cells at a time."""
        for start in range(0, n_obs, rows):
            columns = (column.read(start, start + rows).alias(name) for name, column in self.columns.items())
            yield start, pl.DataFrame(list(columns))


@dataclass(frozen=True)
class FurtherObsm:
    """Elements of obsm that are no embeddings, by name; `problems` says of the rest why they are not read.

    A column of a dataframe that cannot be read is named ``<dataframe>/<column>``.
    """

    tables: Mapping[str, ColumnTable]
    matrices: Mapping[str, SparseMatrix | DenseMatrix]
    problems: Mapping[str, str]


def find_further_obsm(obsm: Any, *, embeddings: Mapping[str, Array], place: str, n_obs: int) -> FurtherObsm:
    """Sort what obsm holds besides its embeddings; UnsafeFileError if reading it would exhaust us."""
    tables: dict[str, ColumnTable] = {}
    matrices: dict[str, SparseMatrix | DenseMatrix] = {}
    problems: dict[str, str] = {}
    for name, open_part in _parts(obsm, place=place).items():
        if name in embeddings:
            continue
        try:
            part = open_part()
            if isinstance(part, Mapping):
                columns, broken = _read_columns(part, place=f"{place}/{name}", n_obs=n_obs)
                problems |= {
                    name if column == name else f"{name}/{column}": why for column, why in broken.items()
                }
                tables |= {name: ColumnTable(columns)} if columns else {}
            else:
                _require_rows(part.info.shape[0], place=f"{place}/{name}", n_obs=n_obs)
                matrices[name] = part
        except UnsafeFileError:
            raise
        except SourceError as error:
            problems[name] = str(error)
    return FurtherObsm(tables, matrices, problems)


def _parts(obsm: Any, *, place: str) -> dict[str, Callable[[], Openers | SparseMatrix | DenseMatrix]]:
    """Say how to open each element; AnnData 0.6 stored obsm as one compound dataset, a field each."""
    if isinstance(obsm, h5py.Group):
        with reading(place):
            names = sorted(obsm)
        return {name: partial(_open_part, obsm, name, place=place) for name in names}
    return {
        name: partial(dict, {name: opener})
        for name, opener in (_fields(obsm, place=place) if isinstance(obsm, h5py.Dataset) else {}).items()
    }


def _open_part(obsm: h5py.Group, name: str, *, place: str) -> Openers | SparseMatrix | DenseMatrix:
    element, where = open_member(obsm, name, place=place), f"{place}/{name}"
    if isinstance(element, h5py.Group):
        encoding = read_text_attribute(element, "encoding-type", place=where)
        legacy = read_text_attribute(element, "h5sparse_format", place=where)
        if encoding in _SPARSE or legacy is not None:
            shape = read_shape_attribute(element, "shape", place=where)
            shape = shape or read_shape_attribute(element, "h5sparse_shape", place=where)
            return open_matrix(element, name=where, place=where, shape=shape or (0, 0))
        if encoding == "dataframe" or read_attribute(element, "_index", place=where) is not None:
            return _open_frame(element, place=where)
    elif isinstance(element, h5py.Dataset) and element.ndim == 1 and Array(element, where).dtype.names:
        return _fields(element, place=where)
    return {name: partial(open_column, element, place=where)}


def _open_frame(group: h5py.Group, *, place: str) -> Openers:
    frame = open_frame(group, place=place, legacy_categories={})
    if not 0 < len(frame.names) <= _MOST_COLUMNS:
        raise UnsupportedEncodingError(
            f"{place} has {len(frame.names):,} columns; from 1 to {_MOST_COLUMNS:,} become a table. Read it "
            "from the source."
        )
    return {name: partial(frame.open, name) for name in frame.names}


def _fields(dataset: h5py.Dataset, *, place: str) -> Openers:
    with reading(place):
        names = dataset.dtype.names or ()
    return {
        name: partial(open_plain, Array(dataset, f"{place}/{name}", field=name), encoding="compound")
        for name in names
    }


def _read_columns(openers: Openers, *, place: str, n_obs: int) -> tuple[dict[str, Column], dict[str, str]]:
    """Open the columns that can be read, which is known only once they are; and why others cannot."""
    columns: dict[str, Column] = {}
    problems: dict[str, str] = {}
    for name, open_one in openers.items():
        try:
            column = open_one()
            _require_rows(column.n_rows, place=place, n_obs=n_obs)
            refuse_beyond_int64(column.read(), place=f"{place}/{name}")
        except UnsafeFileError:
            raise
        except SourceError as error:
            problems[name] = str(error)
        else:
            columns[name] = column
    return columns, problems


def _require_rows(n_rows: int, *, place: str, n_obs: int) -> None:
    if n_rows != n_obs:
        raise NotAnH5adError(
            f"{place} has {n_rows:,} rows, but there are {n_obs:,} cells. Write it again, or remove it."
        )
