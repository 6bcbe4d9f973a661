"""Holds what the headers of a file claim against the limits, before any value is read."""

from collections.abc import Iterable
from math import prod

import h5py

from c2s_assets.core.errors import InvalidIdsError, UnsafeFileError
from c2s_assets.storage.h5ad.access import Array, reading
from c2s_assets.storage.h5ad.limits import Limits
from c2s_assets.storage.h5ad.links import Link
from c2s_assets.storage.h5ad.matrix import DenseMatrix, SparseMatrix

# obsp, varp and varm are never read.
_READ = frozenset({"X", "layers", "obs", "obsm", "raw", "raw.X", "raw.var", "uns", "var"})
# A text of variable length stands in a heap as it is, behind 16 bytes of header and filled up to 8.
_HEAP_TEXT_BYTES = 24
# A matrix of this size is streamed in seconds, whatever it is.
_SMALL_MATRIX_BYTES = 4 * 2**30


def refuse_large_chunks(file: h5py.File, links: Iterable[Link], *, limits: Limits) -> None:
    """Refuse a dataset that we may read and that is stored in larger chunks than the limit.

    Raises
    ------
    UnsafeFileError
        Naming the dataset.
    """
    for link in links:
        if link.same_as is not None or link.path.strip("/").split("/")[0] not in _READ:
            continue
        with reading(link.path):
            element = file[link.path]
            chunks = element.chunks if isinstance(element, h5py.Dataset) else None
            n_bytes = 0 if chunks is None else prod(chunks) * element.id.get_type().get_size()
        limits.refuse_more("chunk_bytes", n_bytes, where=f"{link.path} has chunks of", unit="bytes")


def refuse_impossible_index(index: Array) -> None:
    """Refuse an index that cannot name its rows, whatever its values are: a few bytes can claim 10**8 rows.

    Raises
    ------
    InvalidIdsError
        If not all of it was written, so that rows share the fill value as their name, or its type has fewer
        values than there are rows.
    UnsafeFileError
        If the file is too short to hold as many texts.
    """
    n_rows = (index.shape or (0,))[0]
    if n_rows < 2:
        return
    if not _is_written(index):
        raise InvalidIdsError(
            f"{index.place} has {n_rows:,} rows, but the names of some were not written, so that they "
            "are all the same. Write the file again with anndata."
        )
    if n_rows > 256**index.dtype.itemsize:
        raise InvalidIdsError(
            f"{index.place} has {n_rows:,} names of type {index.dtype_name}, which cannot all differ. Write "
            "the file again with anndata."
        )
    with reading(index.place):
        file_bytes = int(index.dataset.file.id.get_filesize())
    # One of them may be empty, and then it is nowhere.
    if index.dtype.kind == "O" and (n_rows - 1) * _HEAP_TEXT_BYTES > file_bytes:
        raise UnsafeFileError(
            f"{index.place} claims {n_rows:,} names, but a file of {file_bytes:,} bytes cannot hold as many "
            "different ones. Write the file again with anndata."
        )


def refuse_more_cells_than_bytes(index: Array) -> None:
    """Refuse more cells than the file has bytes: the name of a cell and its counts take some.

    Raises
    ------
    UnsafeFileError
        Naming both.
    """
    n_rows = (index.shape or (0,))[0]
    with reading(index.place):
        file_bytes = int(index.dataset.file.id.get_filesize())
    if n_rows > file_bytes:
        raise UnsafeFileError(
            f"{index.place} claims {n_rows:,} cells, but the file has only {file_bytes:,} bytes. Its shape "
            "cannot be true; fetch the file again."
        )


def refuse_inflated_matrix(matrix: SparseMatrix | DenseMatrix, *, limits: Limits) -> None:
    """Refuse to stream values of which the file can hold next to none, or it would take hours.

    A layer of zeros that was never written is fine as long as nobody reads it, and so is a small one.

    Raises
    ------
    UnsafeFileError
        If they come to more bytes than the file is allowed to stand for.
    """
    values = matrix.values if isinstance(matrix, DenseMatrix) else matrix.data
    with reading(values.place):
        file_bytes = int(values.dataset.file.id.get_filesize())
    n_bytes = matrix.info.n_stored * values.dtype.itemsize
    if n_bytes > _SMALL_MATRIX_BYTES:
        where = f"{values.place} claims {n_bytes:,} bytes of values in a file of {file_bytes:,}, which is"
        limits.refuse_more("expansion", n_bytes // max(1, file_bytes), where=where, unit="times as many")


def _is_written(array: Array) -> bool:
    """Whether all values were written; those that were not have the fill value."""
    with reading(array.place):
        if array.chunks is None:
            is_written: bool = array.dataset.id.get_storage_size() > 0
            return is_written
        pairs = zip(array.dataset.shape, array.chunks, strict=True)
        n_chunks = prod(-(-size // chunk) for size, chunk in pairs)
        is_whole: bool = array.dataset.id.get_num_chunks() >= n_chunks
    return is_whole
