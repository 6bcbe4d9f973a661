"""Checks the values and indices of a piece of a matrix and brings them into the one form we hand out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import InvalidMatrixError

if TYPE_CHECKING:  # a fifth of a second to import, and a survey reads no rows
    from scipy.sparse import csr_array

# A block of this many values takes 32 MB, up to three times that while it is being made, and ten times that
# while its sentences are. Blocks are read ahead, so that several are in memory. 1,024 cells of 4,096 genes
# each are one block; only cells that are fuller than that come in smaller ones.
MAX_BLOCK_VALUES = 4 * 2**20

# A piece stays in the processor's cache for all checks: 28.7 M values took 25 ms, in pieces of 6 M 45 ms.
_SURVEY_VALUES = 2**16


def canonical_rows(
    values: NDArray[Any],
    indices: NDArray[Any],
    bounds: NDArray[np.int64],
    *,
    matrix: str,
    first_row: int,
    n_vars: int,
) -> "csr_array":
    """Make CSR rows of float32 whose features ascend, without repeats or zeros.

    Arrays that are that already become part of the rows, without a copy; others are changed or copied.

    Parameters
    ----------
    values
        Numbers of any type, shape ``(n_stored,)``.
    indices
        The feature of each value, unchecked.
    bounds
        Where each row starts in `values`, from 0 on, already checked by `check_bounds`.
    matrix
        Name of the matrix, for messages.
    first_row
        Position of the first of these rows among all cells.

    Raises
    ------
    InvalidMatrixError
        On a feature out of range or listed twice in a cell, and on a value that is not a finite float32.
    """
    expression = to_float32(values)
    found = _survey(expression, indices)
    if found.highest >= n_vars:
        position = int(((indices < 0) | (indices >= n_vars)).argmax())
        raise InvalidMatrixError(
            f"{matrix}: cell {first_row + _row_of(position, bounds)} lists feature {indices[position]}, "
            f"but there are {n_vars} features. The file is damaged."
        )
    if not found.is_finite:
        wrong = int(np.isfinite(expression).argmin())
        raise not_finite(
            values[wrong], matrix=matrix, row=first_row + _row_of(wrong, bounds), feature=int(indices[wrong])
        )
    index_type = _index_type(n_vars=n_vars, n_stored=len(values))
    from scipy.sparse import csr_array  # noqa: PLC0415  a survey makes no rows

    rows = csr_array(
        (expression, indices.astype(index_type, copy=False), bounds.astype(index_type)),
        shape=(len(bounds) - 1, n_vars),
    )
    if found.n_descents > _n_descents_between(rows):
        rows.sort_indices()
        _refuse_repeats(rows, matrix=matrix, first_row=first_row)
    if found.has_zeros:
        rows.eliminate_zeros()
    return rows


def check_bounds(
    bounds: NDArray[np.int64], *, matrix: str, first: int, n_stored: int, longest: int, unit: str
) -> None:
    """Check a piece of indptr, so that it can address values: ascending, in range, no row too long.

    `unit` is what indptr delimits, "cell" or "feature"; `first` is the position of the first of them.
    """
    lengths = np.diff(bounds)
    outside = (bounds[:-1] < 0) | (bounds[1:] > n_stored) | (lengths < 0) | (lengths > longest)
    if outside.any():
        at = int(outside.argmax())
        raise InvalidMatrixError(
            f"{matrix}: indptr gives {unit} {first + at} the values from {bounds[at]} to {bounds[at + 1]}, "
            f"of {n_stored} stored and at most {longest} for one {unit}. The file is damaged."
        )


def to_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Convert numbers of any type; one beyond the range of float32 becomes infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32, copy=False)


def first_not_finite(values: NDArray[np.float32]) -> int | None:
    """Position of the first NaN or infinity, or None if there is none."""
    finite = np.isfinite(values)
    return None if finite.all() else int(finite.argmin())


def not_finite(value: Any, *, matrix: str, row: int, feature: int) -> InvalidMatrixError:
    """Make the error of a value that is NaN, infinite, or beyond the range of float32."""
    return InvalidMatrixError(
        f"{matrix}: cell {row} has value {value} at feature {feature}, which is not a finite float32. "
        "Replace it, or remove the cell."
    )


def require_rows(start: int, stop: int, *, n_obs: int) -> None:
    """Refuse a range of rows that is not within the matrix, which is a mistake of the caller."""
    if not 0 <= start <= stop <= n_obs:
        raise ValueError(f"rows [{start}, {stop}) are not within [0, {n_obs})")


def require_positive(rows: int) -> None:
    """Refuse a block without rows, which is a mistake of the caller."""
    if rows < 1:
        raise ValueError(f"a block needs at least one row, not {rows}")


@dataclass(frozen=True)
class _Survey:
    """What must be known of values and indices; a descent is an index that is not above the one before."""

    highest: int = 0
    n_descents: int = 0
    is_finite: bool = True
    has_zeros: bool = False


def _survey(values: NDArray[np.float32], indices: NDArray[Any]) -> _Survey:
    """Look at everything once; an index below zero counts as very high."""
    unsigned = indices.view(indices.dtype.str.replace("i", "u"))
    found = _Survey()
    for start in range(0, len(values), _SURVEY_VALUES):
        some = values[start : start + _SURVEY_VALUES]
        # With the first one of the next piece, which may be a descent too.
        overlapping = indices[start : start + _SURVEY_VALUES + 1]
        # NaN is both the lowest and the highest.
        lowest, highest = some.min(), some.max()
        found = _Survey(
            highest=max(found.highest, int(unsigned[start : start + _SURVEY_VALUES].max())),
            n_descents=found.n_descents + int(np.count_nonzero(overlapping[1:] <= overlapping[:-1])),
            is_finite=found.is_finite and bool(np.isfinite(lowest) and np.isfinite(highest)),
            has_zeros=found.has_zeros or bool(lowest <= 0 and not some.all()),
        )
    return found


def _n_descents_between(rows: "csr_array") -> int:
    """Count the descents from the last feature of a row to the first of the next one that has any."""
    starts = np.unique(rows.indptr[1:-1])
    starts = starts[(starts > 0) & (starts < rows.nnz)]
    return int(np.count_nonzero(rows.indices[starts] <= rows.indices[starts - 1]))


def _refuse_repeats(rows: "csr_array", *, matrix: str, first_row: int) -> None:
    repeats = rows.indices[1:] == rows.indices[:-1]
    starts = rows.indptr[1:-1]
    repeats[starts[(starts > 0) & (starts < rows.nnz)] - 1] = False
    if repeats.any():
        position = int(repeats.argmax())
        raise InvalidMatrixError(
            f"{matrix}: cell {first_row + _row_of(position, rows.indptr)} lists feature "
            f"{rows.indices[position]} twice. Sum or remove the repeats "
            "(scipy: matrix.sum_duplicates()) and write the file again."
        )


def _row_of(position: int, bounds: NDArray[Any]) -> int:
    return int(np.searchsorted(bounds, position, side="right")) - 1


def _index_type(*, n_vars: int, n_stored: int) -> type[np.signedinteger[Any]]:
    return np.int32 if max(n_vars, n_stored) <= np.iinfo(np.int32).max else np.int64
