"""Asks HDF5 for all that any step asks of a file, in a process of its own, see `survey`.

Prints as JSON what kind of file it is and what size its matrix has, or an error of ours. Ends by a signal if
HDF5 does.
"""

import json
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from c2s_assets.core.errors import SourceError, UnsafeFileError
from c2s_assets.storage.h5ad.access import Array
from c2s_assets.storage.h5ad.frames import Frame
from c2s_assets.storage.h5ad.hdf5 import open_hdf5
from c2s_assets.storage.h5ad.kinds import Kind, contents_of
from c2s_assets.storage.h5ad.limits import Limits
from c2s_assets.storage.h5ad.short_chunks import refuse_short_chunks
from c2s_assets.storage.h5ad.source import H5ad, open_h5ad

# On top of the interpreter and the libraries. An estimate: 10 million texts in one chunk take some
# 0.9 GB, and the index of 10 million chunks of a matrix some 1.3 GB.
MEMORY_BYTES = 2 * 2**30
_VALUES_PER_BLOCK = 65_536
# An array of more is read only if its bytes can hold as many: 2 billion texts that were never written took
# all the 40 s of a survey, in blocks of which none is large. Twice as many as a column has at most.
_MOST_UNPROVEN = 100_000_000
# As many as the profile and the table of `uns` read; see there.
_UNS_VALUES = (100, 10_000)
# Where of arrays of more values only some are read, unless a link makes them a part of something else.
_ONLY_DESCRIBED = ("uns/", "obsp/", "varp/", "varm/")


def rehearse(h5ad: H5ad) -> None:
    """Read whatever later steps have HDF5 read; values that are read past it are left to them.

    What is wrong with a part is left to the step that reads it, which says so or does without.

    Raises
    ------
    UnsafeFileError
        If a part is built to exhaust us.
    """
    for part in _parts(h5ad):
        _attempt(part)


def main(path: Path, seconds: int, limits: str) -> None:
    """Rehearse a file within limits of memory and processor time, and say how it went."""
    limit(seconds)
    tell(lambda: work(path, limits))


def tell(question: Callable[[], dict[str, Any]]) -> None:
    """Print what a piece of work found, or an error of ours, for the process that asked for it."""
    try:
        told = question()
    except SourceError as error:
        told = {"error": type(error).__name__, "message": str(error)}
    sys.stdout.write(json.dumps(told))


def work(path: Path, limits: str) -> dict[str, Any]:
    """Say what a file is and, of an h5ad, what size its matrix has, after a rehearsal; `limits` are JSON."""
    may_claim = Limits(**json.loads(limits))
    with open_hdf5(path, limits=may_claim) as hdf5:
        contents = contents_of(link.path for link in hdf5.links)
    if contents.kind is not Kind.H5AD:
        return {"kind": contents.kind, "parts": contents.parts}
    with open_h5ad(path, limits=may_claim) as h5ad:
        rehearse(h5ad)
        return {"kind": contents.kind, "n_obs": h5ad.n_obs, "n_vars": h5ad.var.n_rows}


def limit(seconds: int, *, memory_bytes: int = MEMORY_BYTES) -> None:
    """Bound memory and processor time of this process from now on."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    if sys.platform == "linux":  # elsewhere there is no such limit
        in_use = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + memory_bytes,) * 2)


def _attempt(part: Callable[[], object]) -> None:
    try:
        part()
    except UnsafeFileError:
        raise
    except SourceError:
        return


def _parts(h5ad: H5ad) -> Iterator[Callable[[], object]]:
    # First, because from a short chunk HDF5 reads on in the memory of the process, which need not end it.
    is_linked = any(link.same_as is not None for link in h5ad.links)
    for array in h5ad.arrays():
        is_read = is_linked or not array.place.startswith(_ONLY_DESCRIBED)
        yield partial(_read_array, array, is_read=is_read or _n_values(array) <= max(_UNS_VALUES))
    yield h5ad.structure
    yield lambda: h5ad.matrices
    yield h5ad.embeddings
    yield lambda: _read_frame(h5ad.obs)
    yield lambda: _read_frame(h5ad.var)
    yield lambda: _read_frame(h5ad.raw_var)
    for max_values in _UNS_VALUES:
        yield partial(_read_uns, h5ad, max_values)


def _read_frame(frame: Frame | None) -> None:
    if frame is None:
        return
    readable = [column.name for column in frame.describe() if column.problem is None]
    frame.measure(readable)
    for name in (frame.index_name, *frame.names):
        _attempt(partial(_read_first, frame, name))


def _read_first(frame: Frame, name: str) -> None:
    # With one value come the categories, which need have no name of their own.
    frame.open(name).read(0, 1)


def _read_array(array: Array, *, is_read: bool) -> None:
    # The first values of a table in `uns` are shown, and come from HDF5 whatever the table is.
    if not array.shape or (is_read and array.is_read_past_hdf5):
        return
    array.refuse_large_chunks()
    refuse_short_chunks(array.dataset, place=array.place)
    if not is_read:
        return
    n_values = _n_values(array)
    if n_values > _MOST_UNPROVEN:
        array.refuse_unproven(n_values)
    for field in array.fields():
        _attempt(partial(_read_in_blocks, field))


def _read_in_blocks(array: Array) -> None:
    n_rows, *row_shape = array.shape or (0,)
    chunk_rows = array.chunks[0] if array.chunks else 1
    rows = max(1, _VALUES_PER_BLOCK // max(1, chunk_rows * prod(row_shape))) * chunk_rows
    for start in range(0, n_rows, rows):
        array.read(start, start + rows)


def _n_values(array: Array) -> int:
    with suppress(SourceError):
        return prod(array.shape or ())
    return 0


def _read_uns(h5ad: H5ad, max_values: int) -> None:
    # Too much in `uns` costs its own table only.
    with suppress(UnsafeFileError):
        h5ad.uns(max_values=max_values)
