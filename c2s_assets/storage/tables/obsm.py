"""What becomes of each element of obsm: coordinates, a table of its columns, or two lists per cell."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID, RESERVED_NAMES, VALUE, names_beside
from c2s_assets.core.expression.tables import expression_table, rows_per_group
from c2s_assets.core.projections.names import find_method, n_coordinates
from c2s_assets.core.projections.reports import Form
from c2s_assets.storage.h5ad.obsm import ColumnTable
from c2s_assets.storage.h5ad.source import H5ad

# Values that are read at once: 4 M are 32 MB as float64.
_VALUES_PER_BLOCK = 4 * 2**20
COLUMN_INDEX = "column_index"


@dataclass(frozen=True)
class Coordinates:
    """An element that is a point per cell: the shape of a row, and its rows in their stored type."""

    shape: Sequence[int]
    blocks: Callable[[], Iterator[tuple[int, NDArray[Any]]]]


@dataclass(frozen=True)
class Rows:
    """An element that is columns of any type, or lists; its rows with their `cell_id`.

    `rows_per_group` is how many rows make a row group of its table, if not as many as usual.
    """

    columns: Sequence[str]
    blocks: Callable[[pl.Series], Iterator[pl.DataFrame]]
    form: Form = "columns"
    rows_per_group: int | None = None


@dataclass(frozen=True)
class Obsm:
    """The elements of obsm by name; `left_out` says why there is no more."""

    coordinates: dict[str, Coordinates]
    rows: dict[str, Rows]
    left_out: dict[str, str]


def sort_obsm(h5ad: H5ad) -> Obsm:
    """Sort the elements of obsm.

    Coordinates are the numeric arrays, and dataframes of numbers that are called like a method, as `X_umap`:
    in whatever way they are stored, they are the author's.
    """
    further = h5ad.further_obsm
    coordinates = {
        name: Coordinates(shape[1:], partial(_read_array, h5ad, name, n_axes=n_coordinates(shape[1:])))
        for name, shape in h5ad.embeddings().items()
    }
    rows: dict[str, Rows] = {}
    left_out = dict(further.problems)
    for name, table in further.tables.items():
        is_numeric = all(column.read(0, 1).dtype.is_numeric() for column in table.columns.values())
        method = find_method(name)
        if method is None:
            names = names_beside(table.columns, taken=(CELL_ID, *RESERVED_NAMES))
            rows[name] = Rows(list(names.values()), partial(_read_columns, h5ad, table, names))
        elif is_numeric:
            coordinates[name] = Coordinates((len(table.columns),), partial(_read_points, h5ad, table))
        else:
            left_out[name] = f"it is called like {method}, but not all of it is numbers. Rename it."
    for name, matrix in further.matrices.items():
        rows[name] = Rows(
            [COLUMN_INDEX, VALUE],
            partial(_read_lists, h5ad, name),
            form="sparse",
            rows_per_group=rows_per_group(n_obs=h5ad.n_obs, n_stored=matrix.info.n_stored),
        )
    return Obsm(coordinates, rows, left_out)


def _read_array(h5ad: H5ad, name: str, *, n_axes: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """Read an array of obsm in blocks of rows, shape ``(n_rows, n_axes)``, in its stored type."""
    n_rows = max(_VALUES_PER_BLOCK // n_axes, 1)
    for start in range(0, h5ad.n_obs, n_rows):
        values = h5ad.read_embedding(name, start, start + n_rows)
        yield start, values.reshape(len(values), n_axes)


def _read_points(h5ad: H5ad, table: ColumnTable) -> Iterator[tuple[int, NDArray[Any]]]:
    for start, block in _blocks(h5ad, table):
        yield start, block.cast(pl.Float64).to_numpy()


def _read_columns(
    h5ad: H5ad, table: ColumnTable, names: Mapping[str, str], cell_ids: pl.Series
) -> Iterator[pl.DataFrame]:
    for start, block in _blocks(h5ad, table):
        yield pl.DataFrame([cell_ids.slice(start, block.height).alias(CELL_ID), *block.rename(names)])


def _blocks(h5ad: H5ad, table: ColumnTable) -> Iterator[tuple[int, pl.DataFrame]]:
    n_rows = max(_VALUES_PER_BLOCK // len(table.columns), 1)
    return table.blocks(rows=n_rows, n_obs=h5ad.n_obs)


def _read_lists(h5ad: H5ad, name: str, cell_ids: pl.Series) -> Iterator[pl.DataFrame]:
    reader = h5ad.obsm_matrix(name)
    for start, block in reader.blocks(rows=max(_VALUES_PER_BLOCK // reader.info.shape[1], 1)):
        table: pa.Table = expression_table(block, cell_ids.slice(start, block.shape[0]))
        yield pl.DataFrame(table.rename_columns([CELL_ID, COLUMN_INDEX, VALUE]))
