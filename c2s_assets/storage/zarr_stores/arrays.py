"""Opens the arrays of a zarr store, of both versions of zarr, and refuses those that would exhaust us."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from c2s_assets.core.errors import NotAnH5adError, UnsafeFileError
from c2s_assets.storage.h5ad.access import MAX_CHUNK_BYTES, MAX_EXPANSION, MAX_UNPROVEN_BYTES


def open_group(folder: Path) -> Any:
    """Open a group to be read, whose arrays `refuse_unsafe_arrays` has looked at."""
    import zarr  # noqa: PLC0415  costs half a second

    # What is consolidated at the top could say something else than what was checked.
    store = zarr.storage.LocalStore(folder, read_only=True)
    return zarr.open_group(store, mode="r", use_consolidated=False)


def refuse_unproven(array: Any, *, folder: Path) -> None:
    """Refuse an array of a group that is at a folder if it claims more than its files can hold.

    Raises
    ------
    UnsafeFileError
        If it does, or its chunks are larger than any that are read.
    """
    n_bytes = product(array.shape) * array.dtype.itemsize
    chunk = array.shards or array.chunks
    if product(chunk) * array.dtype.itemsize > MAX_CHUNK_BYTES:
        raise UnsafeFileError(
            f"{array.path} has chunks of more than {MAX_CHUNK_BYTES:,} bytes. Write the dataset again."
        )
    if n_bytes <= MAX_UNPROVEN_BYTES:
        return
    stored = sum(file.stat().st_size for file in (folder / array.path).rglob("*") if file.is_file())
    if n_bytes > stored * MAX_EXPANSION:
        raise UnsafeFileError(
            f"{array.path} claims {n_bytes:,} bytes of values, but only {stored:,} bytes are stored. Its "
            f"shape cannot be true; copy the store again."
        )


def product(sizes: Sequence[int]) -> int:
    """Multiply sizes as Python does, for numpy's product of a hostile shape would wrap around."""
    total = 1
    for size in sizes:
        total *= size
    return total


@contextmanager
def reading(place: str) -> Iterator[None]:
    """Turn what zarr raises on a damaged store into our error, and keep its hints on versions to itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise NotAnH5adError(
            f"{place} cannot be read ({str(error)[:200]}). The store is damaged or incomplete; copy it again."
        ) from error
