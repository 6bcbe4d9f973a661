"""Recognises the matrices of an h5ad file and checks what their headers claim."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import InvalidMatrixError, UnsupportedEncodingError
from c2s_assets.storage.h5ad.access import (
    Array,
    as_array,
    open_member,
    read_shape_attribute,
    read_text_attribute,
)

if TYPE_CHECKING:  # a fifth of a second to import, and a survey reads no rows
    from scipy.sparse import csr_array

Encoding = Literal["csr", "csc", "dense", "unsupported"]

_SPARSE_ENCODINGS: dict[str | None, Encoding] = {
    "csr_matrix": "csr",
    "csc_matrix": "csc",
    "csr": "csr",
    "csc": "csc",
}


@dataclass(frozen=True)
class MatrixInfo:
    """What the headers say about a matrix, rows being cells.

    `n_stored` counts the values on disk: explicit zeros too, and every cell-feature pair of a dense matrix.
    `chunks` and `compression` are those of the values. `problem` is why a matrix of encoding `unsupported`
    cannot be read; its other fields are then empty.
    """

    name: str
    shape: tuple[int, int]
    encoding: Encoding
    dtype: str
    index_dtype: str | None
    n_stored: int
    chunks: tuple[int, ...] | None
    compression: str | None
    size_bytes: int
    problem: str | None = None


@dataclass(frozen=True)
class SparseMatrix:
    """The three arrays of a compressed matrix: by cell if `csr`, by feature if `csc`."""

    info: MatrixInfo
    data: Array
    indices: Array
    indptr: Array

    def bounds(self, start: int, stop: int) -> NDArray[np.int64]:
        """Read ``indptr[start:stop]``; one beyond int64 wraps below zero, which `check_bounds` refuses."""
        return self.indptr.read(start, stop).astype(np.int64)


@dataclass(frozen=True)
class DenseMatrix:
    """The one array of a dense matrix."""

    info: MatrixInfo
    values: Array


class MatrixReader(Protocol):
    """Streams a matrix as canonical float32 rows, the same whatever the encoding on disk.

    In each row the features ascend, none is listed twice and no zero is stored. Values may be negative.
    Everything raises InvalidMatrixError on a matrix that contradicts itself, with the cell and the value.
    """

    @property
    def info(self) -> MatrixInfo:
        """What the headers say."""

    def blocks(self, *, rows: int) -> Iterator[tuple[int, "csr_array"]]:
        """Yield ``(start_row, block)`` in row order, together every row exactly once.

        A block has at most `rows` rows, and fewer where it would otherwise hold more than
        `canonical.MAX_BLOCK_VALUES` values.
        """

    def rows(self, start: int, stop: int) -> "csr_array":
        """Read the rows ``[start, stop)``; the caller bounds how many."""


def unsupported_matrix(name: str, problem: str) -> MatrixInfo:
    """Describe a matrix that is there but cannot be read."""
    return MatrixInfo(name, (0, 0), "unsupported", "", None, 0, None, None, 0, problem)


def open_matrix(element: Any, *, name: str, place: str, shape: tuple[int, int]) -> SparseMatrix | DenseMatrix:
    """Recognise the encoding of a matrix and check its headers against the expected shape.

    Raises
    ------
    UnsupportedEncodingError
        If it is neither CSR, CSC nor dense, or holds something else than numbers.
    InvalidMatrixError
        If shapes and lengths in the headers contradict each other, or obs and var.
    """
    if isinstance(element, h5py.Dataset):
        return _open_dense(Array(element, place), name=name, shape=shape)
    if isinstance(element, h5py.Group):
        legacy = read_text_attribute(element, "h5sparse_format", place=place)
        encoding = read_text_attribute(element, "encoding-type", place=place) or legacy
        if encoding in _SPARSE_ENCODINGS:
            return _open_sparse(element, _SPARSE_ENCODINGS[encoding], name=name, place=place, shape=shape)
        kind = f"a group with encoding {encoding!r}"
    else:
        kind = "a named type"
    raise UnsupportedEncodingError(f"{name} is {kind}. Store it as a CSR, CSC or dense matrix.")


def _open_dense(values: Array, *, name: str, shape: tuple[int, int]) -> DenseMatrix:
    if values.shape is None:
        raise UnsupportedEncodingError(f"{name} is an HDF5 null. Remove it, or store a matrix.")
    _require_shape(values.shape, shape, name=name)
    _require_numbers(values, name=name)
    info = MatrixInfo(
        name=name,
        shape=shape,
        encoding="dense",
        dtype=values.dtype_name,
        index_dtype=None,
        n_stored=shape[0] * shape[1],
        chunks=values.chunks,
        compression=values.compression,
        size_bytes=values.size_bytes,
    )
    return DenseMatrix(info, values)


def _open_sparse(
    group: h5py.Group, encoding: Encoding, *, name: str, place: str, shape: tuple[int, int]
) -> SparseMatrix:
    claimed = read_shape_attribute(group, "shape", place=place)
    _require_shape(claimed or read_shape_attribute(group, "h5sparse_shape", place=place), shape, name=name)
    data, indices, indptr = (
        _open_part(group, part, name=name, place=place) for part in ("data", "indices", "indptr")
    )
    _require_numbers(data, name=name)
    _require_lengths(data, indices, indptr, n_major=shape[0 if encoding == "csr" else 1], name=name)
    n_stored = _length(data)
    if n_stored > shape[0] * shape[1]:
        raise InvalidMatrixError(
            f"{name} stores {n_stored:,} values, more than its {shape[0]:,} x {shape[1]:,} entries. "
            "Write the file again."
        )
    info = MatrixInfo(
        name=name,
        shape=shape,
        encoding=encoding,
        dtype=data.dtype_name,
        index_dtype=indices.dtype_name,
        n_stored=n_stored,
        chunks=data.chunks,
        compression=data.compression,
        size_bytes=data.size_bytes + indices.size_bytes + indptr.size_bytes,
    )
    _require_ends(indptr, n_stored=n_stored, name=name)
    return SparseMatrix(info, data, indices, indptr)


def _open_part(group: h5py.Group, part: str, *, name: str, place: str) -> Array:
    array = as_array(open_member(group, part, place=place), place=f"{place}/{part}")
    if array is None or array.shape is None or len(array.shape) != 1:
        found = "missing" if array is None else f"of shape {array.shape}"
        raise InvalidMatrixError(
            f"{name}: {part} is {found}; a sparse matrix has it as a list. Write the file again."
        )
    if part != "data" and array.dtype.kind not in "iu":
        raise InvalidMatrixError(
            f"{name}: {part} has type {array.dtype_name}, not integers. Write the file again."
        )
    return array


def _require_shape(found: tuple[int, ...] | None, expected: tuple[int, int], *, name: str) -> None:
    if found is None:
        raise InvalidMatrixError(
            f"{name}: the shape attribute is missing, or not two sizes. Write the file again."
        )
    if found != expected:
        raise InvalidMatrixError(
            f"{name} has shape {found}, but there are {expected[0]} cells in obs and {expected[1]} features "
            "in its var. Write the file again."
        )


def _require_numbers(values: Array, *, name: str) -> None:
    if values.dtype.kind not in "biuf" or values.dtype.itemsize > 8:
        raise UnsupportedEncodingError(
            f"{name} holds values of type {values.dtype_name}. Store it as float32."
        )


def _require_lengths(data: Array, indices: Array, indptr: Array, *, n_major: int, name: str) -> None:
    if _length(data) != _length(indices):
        raise InvalidMatrixError(
            f"{name} has {_length(data):,} values in data but {_length(indices):,} indices. "
            "The file is damaged."
        )
    if _length(indptr) != n_major + 1:
        raise InvalidMatrixError(
            f"{name} has {_length(indptr):,} row or column bounds in indptr, not {n_major + 1:,}. "
            "The file is damaged."
        )


def _require_ends(indptr: Array, *, n_stored: int, name: str) -> None:
    n_bounds = _length(indptr)
    first = int(indptr.read(0, 1)[0])
    last = int(indptr.read(n_bounds - 1, n_bounds)[0])
    if first != 0:
        raise InvalidMatrixError(f"{name}: indptr starts at {first}, not at 0. The file is damaged.")
    if last != n_stored:
        raise InvalidMatrixError(
            f"{name}: indptr ends at {last}, but there are {n_stored} values. The file is damaged."
        )


def _length(array: Array) -> int:
    return (array.shape or (0,))[0]
