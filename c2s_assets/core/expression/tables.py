"""Expression as tables: two lists per cell, and one column per feature."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID, FEATURE_ID, FEATURE_INDEX, INDEX_OF_PANDAS, SYMBOL, VALUE
from c2s_assets.core.findings import Finding
from c2s_assets.core.genes.features import make_unique

RESERVED_NAMES = (CELL_ID, INDEX_OF_PANDAS)

# Shuffled batches are drawn from so many cells at a time, and no reader decodes less than a row group. 16,384
# cells of 1,924 values on one core: 64 rows 25.8 microseconds a cell and 37.5 MB, 128 rows 23.7 and 36.9, 256
# rows 24.1 and 36.3. Where cells lie sorted by type, half as many rows show twice as many types in a batch.
ROWS_PER_DRAW = 128

# Viewers decode a whole row group and give up beyond some 100 MB.
_GROUP_BYTES = 100_000_000
_MOST_ROWS_PER_GROUP = 8_192
# An int32 and a float32; and what stands beside the values of a cell: its id and where its lists end.
_BYTES_PER_VALUE, _BYTES_PER_CELL = 8, 40
OUR_FAULT = "Was the file changed while it was read? Build again, and report it if that does not help."


def rows_per_group(*, n_obs: int, n_stored: int) -> int:
    """Choose how many cells make a part of `expression`, elsewhere a row group: a power of two, up to 8,192.

    The largest whose cells, if they are as full as the mean one, are below 100 MB when decoded: 8,192 for
    the 1,430 values of a usual cell (94 MB), 256 for all 29,400 features of a dense matrix (60 MB).
    """
    bytes_per_cell = _BYTES_PER_CELL + _BYTES_PER_VALUE * n_stored / max(n_obs, 1)
    rows = _MOST_ROWS_PER_GROUP
    while rows > 1 and rows * bytes_per_cell >= _GROUP_BYTES:
        rows //= 2
    return rows


def expression_table(expression: csr_array, cell_ids: pl.Series) -> pa.Table:
    """Turn a canonical block into `cell_id`, `feature_index` and `value`, without copying the values."""
    columns = {
        CELL_ID: cell_ids.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()),
        FEATURE_INDEX: list_array(expression.indptr, expression.indices.astype(np.int32, copy=False)),
        VALUE: list_array(expression.indptr, expression.data),
    }
    return pa.table(columns)


def expression_rows(table: pl.DataFrame, *, n_vars: int) -> csr_array:
    """Turn rows of `expression` back into a matrix of shape ``(n_rows, n_vars)``; see `expression_table`."""
    bounds, indices = _list_parts(table[FEATURE_INDEX])
    _, values = _list_parts(table[VALUE])
    return csr_array((values, indices, bounds), shape=(table.height, n_vars))


def list_array(bounds: NDArray[np.integer], values: NDArray[np.generic]) -> pa.ListArray:
    """Make a column of lists, of which each begins where the one before ends, without copying the values."""
    return pa.ListArray.from_arrays(pa.array(bounds.astype(np.int32, copy=False)), pa.array(values))


def column_names(features: pl.DataFrame) -> list[str]:
    """Name the column of each feature in `expression_matrix`, all different and none of `RESERVED_NAMES`.

    A feature is named by its symbol; without one, by its `feature_id`. If that is the name of several
    features, or differs from theirs in case only, or is reserved, each of them is ``<name>_<feature_id>``.
    Should even that be taken it ends in -1, -2, ..., as AnnData's ``var_names_make_unique`` has it.

    Parameters
    ----------
    features
        `feature_id` (unique) and `symbol`, in the order of the matrix.
    """
    plain = pl.coalesce(SYMBOL, FEATURE_ID)
    folded = plain.str.to_lowercase()
    is_taken = folded.is_duplicated() | folded.is_in(RESERVED_NAMES)
    name = pl.when(is_taken).then(pl.concat_str(plain, FEATURE_ID, separator="_")).otherwise(plain)
    names = features.select(name.alias("name"))["name"].to_list()
    as_compared = [name.casefold() for name in (*RESERVED_NAMES, *names)]
    unique = make_unique(pl.Series(as_compared, dtype=pl.String))
    endings = [new[len(old) :] for new, old in zip(unique, as_compared, strict=True)]
    return [name + ending for name, ending in zip(names, endings[len(RESERVED_NAMES) :], strict=True)]


@dataclass
class ExpressionDigest:
    """Running checksums of rows of expression, the same whatever blocks they come in.

    Attributes
    ----------
    lengths, indices, values
        CRC-32 of how many values each cell has (int32), of their features (int32) and of the values
        themselves (float32), in order.
    n_misplaced
        Features that are out of range, or not above the one before in their cell.
    """

    n_vars: int
    n_cells: int = 0
    n_values: int = 0
    n_misplaced: int = 0
    lengths: int = 0
    indices: int = 0
    values: int = 0

    def add(self, expression: csr_array) -> None:
        """Go on with further rows."""
        bounds = expression.indptr
        lengths = np.diff(bounds).astype(np.int32)
        indices = np.ascontiguousarray(expression.indices[bounds[0] : bounds[-1]], dtype=np.int32)
        values = np.ascontiguousarray(expression.data[bounds[0] : bounds[-1]], dtype=np.float32)
        self.n_cells += len(lengths)
        self.n_values += len(indices)
        self.n_misplaced += _count_misplaced(indices, bounds - bounds[0], n_vars=self.n_vars)
        self.lengths = crc32(lengths.data, self.lengths)
        self.indices = crc32(indices.data, self.indices)
        self.values = crc32(values.data, self.values)


@dataclass
class CellTotals:
    """How many values each cell has, and their sum; collected block by block."""

    _counts: list[NDArray[np.int64]] = field(default_factory=list)
    _sums: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, expression: csr_array) -> None:
        """Go on with further cells."""
        until = np.concatenate([[0.0], np.cumsum(expression.data, dtype=np.float64)])
        self._counts.append(np.diff(expression.indptr).astype(np.int64))
        self._sums.append(np.diff(until[expression.indptr]))

    @property
    def n_values(self) -> NDArray[np.int64]:
        """Values of each cell that are not zero."""
        return np.concatenate([np.zeros(0, np.int64), *self._counts])

    @property
    def sums(self) -> NDArray[np.float64]:
        """Sum of the values of each cell."""
        return np.concatenate([np.zeros(0), *self._sums])


def matches_source(written: ExpressionDigest, source: ExpressionDigest) -> Finding:
    """Claim that the rows of `expression`, read back, are those that were read from the source."""
    differ = [
        name
        for name in ("n_cells", "n_values", "lengths", "indices", "values")
        if getattr(written, name) != getattr(source, name)
    ]
    message = f"{source.n_values:,} values of {source.n_cells:,} cells, all as in the source."
    if written.n_misplaced:
        message = (
            f"{written.n_misplaced:,} entries of feature_index are not between 0 and {written.n_vars:,}, or "
            f"do not ascend in their cell. {OUR_FAULT}"
        )
    if differ:
        message = (
            f"what was written is not the source's in {', '.join(differ)}: {written.n_values:,} values of "
            f"{written.n_cells:,} cells, where the source has {source.n_values:,} of {source.n_cells:,}. "
            f"{OUR_FAULT}"
        )
    figures: dict[str, int | str] = {
        "n_values": written.n_values,
        "n_misplaced": written.n_misplaced,
        "crc32_values": f"{written.values:08x}",
    }
    return Finding("matches_source", not differ and not written.n_misplaced, message, figures)


def keeps_wide_schema(found: pa.Schema | None, expected: pa.Schema, *, n_parts: int) -> Finding:
    """Claim that the parts of `expression_matrix` have exactly the columns that are due.

    Parameters
    ----------
    found
        Schema of the first part that has another one than expected; None if all have that.
    """
    message = f"{n_parts:,} parts have the column cell_id and {len(expected) - 1:,} of features."
    if found is not None:
        message = f"a part has other columns than are due: {_first_difference(found, expected)}. {OUR_FAULT}"
    return Finding("keeps_schema", found is None, message, {"n_parts": n_parts, "n_columns": len(expected)})


def agrees_with_expression(
    samples: Sequence[tuple[pl.DataFrame, csr_array]], *, names: Sequence[str]
) -> Finding:
    """Claim that sampled rows of `expression_matrix` are those of the source.

    Parameters
    ----------
    samples
        Rows as they were written, and the same cells read again from the source.
    names
        Column of each feature, in the order of the matrix.
    """
    wrong: list[dict[str, str | float]] = []
    n_cells = 0
    for rows, expression in samples:
        dense = rows[list(names)].to_numpy()  # not `select`, which makes an expression of each
        due = expression.toarray()
        n_cells += rows.height
        for row, column in np.argwhere(dense != due)[:20]:
            wrong.append(
                {
                    CELL_ID: rows[CELL_ID][int(row)],
                    "column": names[int(column)],
                    "found": float(dense[row, column]),
                    "expected": float(due[row, column]),
                }
            )
    schema = {CELL_ID: pl.String, "column": pl.String, "found": pl.Float64, "expected": pl.Float64}
    broken = pl.DataFrame(wrong, schema=schema)
    message = f"{n_cells:,} rows agree with the source in all {len(names):,} features."
    if wrong:
        first = broken.row(0, named=True)
        message = (
            f"cell {first[CELL_ID]!r} has {first['found']:g} for {first['column']}, but "
            f"{first['expected']:g} in the source. {OUR_FAULT}"
        )
    return Finding("agrees_with_expression", not wrong, message, {"n_cells_sampled": n_cells}, broken)


def _list_parts(lists: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.generic]]:
    """Take a column of lists apart into where each begins, from 0 on, and what they hold."""
    array = lists.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    bounds = np.asarray(array.offsets, dtype=np.int64)
    values: NDArray[np.generic] = array.values.to_numpy()[bounds[0] : bounds[-1]]
    return bounds - bounds[0], values


def _count_misplaced(indices: NDArray[np.int32], bounds: NDArray[np.int64], *, n_vars: int) -> int:
    outside = int(np.count_nonzero((indices < 0) | (indices >= n_vars)))
    descends = indices[1:] <= indices[:-1]
    starts = bounds[1:-1]
    descends[starts[(starts > 0) & (starts < len(indices))] - 1] = False  # from one cell to the next
    return outside + int(np.count_nonzero(descends))


def _first_difference(found: pa.Schema, expected: pa.Schema) -> str:
    for position, (mine, due) in enumerate(zip(found, expected, strict=False)):
        if not mine.equals(due):
            return f"column {position} is {mine}, not {due}"
    return f"{len(found):,} columns, not {len(expected):,}"
