"""Corrupts h5ad files at random and reads them, as `python -m` with a folder, a first number and how many.

Runs in a process of its own, which a file may crash. Prints `begin <number> <kind>` before it rehearses a
file as a survey does, `rehearsed <number>` before it reads it as the steps do, and `end <number> <outcome>`
after that; the outcome is one of OUTCOMES, or `bad` and what happened.
"""

import hashlib
import resource
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from c2s_assets.core.errors import C2SError
from c2s_assets.storage.h5ad.rehearsal import rehearse
from c2s_assets.storage.h5ad.source import H5ad, open_h5ad
from c2s_assets_tests.storage.h5ad.corrupting import CORRUPTIONS, LEAD_OUTSIDE, choose_kind, write_originals

# `died`: the rehearsal did, which costs a survey its process and the caller nothing.
OUTCOMES = ("same", "other", "refused", "died")
MEMORY_BYTES = 1_500 * 2**20


def main(folder: Path, first: int, n_files: int) -> None:
    """Corrupt and read files number `first` to ``first + n_files``."""
    warnings.simplefilter("error")
    originals = write_originals(folder)
    digests = [_read_everything(path) for path in originals]
    # Only of what comes on top of the interpreter and the libraries, which reserve more than they use.
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY_BYTES, in_use + MEMORY_BYTES))
    for number in range(first, first + n_files):
        rng = np.random.default_rng(number)
        which = number % len(originals)
        kind = choose_kind(rng)
        # Not one name for all: HDF5 may fail to close a corrupt file, and opens no other in its place.
        path = folder / f"corrupt {number}.h5ad"
        path.write_bytes(originals[which].read_bytes())
        _say(f"begin {number} {kind}")
        CORRUPTIONS[kind](path, rng)
        _say(f"end {number} {_outcome(path, kind, number=number, digest=digests[which])}")
        path.unlink()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _outcome(path: Path, kind: str, *, number: int, digest: str) -> str:
    try:
        with open_h5ad(path) as h5ad:
            rehearse(h5ad)
    except C2SError as error:
        return "refused" if str(error) else "bad: an error without a message"
    except Exception:  # the survey says that, too
        return "died"
    _say(f"rehearsed {number} ")
    try:
        read = _read_everything(path)
    except C2SError as error:
        return "refused" if str(error) else "bad: an error without a message"
    except Exception:  # whatever it is, it is what we look for
        return "bad: " + traceback.format_exc().replace("\n", " | ")
    if kind in LEAD_OUTSIDE:
        return "bad: what leads out of the file was not refused"
    return "same" if read == digest else "other"


def _read_everything(path: Path) -> str:
    digest = hashlib.sha256()
    with open_h5ad(path, scratch=path.parent) as h5ad:
        for part in _parts(h5ad):
            digest.update(part)
    return digest.hexdigest()


def _parts(h5ad: H5ad) -> Iterator[bytes]:
    for frame in (h5ad.obs, h5ad.var, h5ad.raw_var):
        if frame is None:
            continue
        yield repr(frame.index().to_list()).encode()
        for info in frame.describe():
            yield repr(frame.read(info.name).to_list() if info.problem is None else info).encode()
    for name, info in h5ad.matrices.items():
        if info.problem is None:
            yield name.encode()
            yield from _matrix_parts(h5ad, name)
    for name in h5ad.embeddings():
        yield h5ad.read_embedding(name).tobytes()
    yield repr(h5ad.uns(max_values=20)).encode()
    yield repr([(part["path"], part["kind"]) for part in h5ad.structure()]).encode()


def _matrix_parts(h5ad: H5ad, name: str) -> Iterator[bytes]:
    """Read a matrix, and check that whatever came of it is what we promise."""
    matrix = h5ad.matrix(name)
    n_rows = 0
    for start, block in matrix.blocks(rows=7):
        assert start == n_rows
        n_rows += block.shape[0]
        assert block.has_canonical_format
        assert block.shape[1] == matrix.info.shape[1]
        assert np.isfinite(block.data).all()
        assert block.data.all()
        assert not block.nnz or 0 <= block.indices.min() <= block.indices.max() < block.shape[1]
        yield block.data.tobytes() + block.indices.tobytes() + np.diff(block.indptr).tobytes()
    assert n_rows == h5ad.n_obs


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
