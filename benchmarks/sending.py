"""What a change of a release sends, by a model of how the Hub keeps files.

    python -m benchmarks.sending OLD NEW            bytes of a new folder that an old one does not hold
    python -m benchmarks.sending --cells 20000      the same of `expression`, written in several ways

The Hub keeps files in chunks whose ends the content decides, and is sent those that it does not have. Here
the ends are where a rolling hash of the last 64 bytes has 16 zeros, and chunks have 8 to 128 KiB, as those of
Xet have; the hash is our own, so that the chunks are not the same. What the Hub does beside that, such as
compressing chunks and storing them together, is not in the model.
"""

import argparse
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from c2s_assets.core.expression.tables import ROWS_PER_DRAW, list_array
from c2s_assets.storage.lake.digest import files_of_tree
from c2s_assets.storage.tables.parquet import TableWriter

_SHORTEST, _LONGEST = 8 * 2**10, 128 * 2**10
# Of a hash: one of 2**16 ends a chunk, which is then 64 KiB long in the mean.
_ENDS = np.uint64(0xFFFF << 48)
_GEAR = np.random.default_rng(0).integers(0, 2**64, size=256, dtype=np.uint64)

_N_GENES, _N_VALUES = 29_400, 1_430


@dataclass(frozen=True)
class Sent:
    """Bytes of a change: of files that are not as they were, and of their chunks that are new."""

    n_files: int
    file_bytes: int
    chunk_bytes: int


def count_sent(old: Path, new: Path) -> Sent:
    """Count what has to be sent of a new file or folder to who holds an old one."""
    held, sent = chunks_of(files_of_tree(old)), chunks_of(files_of_tree(new))
    files = {file.read_bytes() for file in files_of_tree(old)}
    changed = [content for file in files_of_tree(new) if (content := file.read_bytes()) not in files]
    return Sent(
        n_files=len(changed),
        file_bytes=sum(map(len, changed)),
        chunk_bytes=sum(size for digest, size in sent.items() if digest not in held),
    )


def chunks_of(files: Iterable[Path]) -> Mapping[bytes, int]:
    """Cut files into chunks; return the bytes of each, by digest."""
    found = {}
    for file in files:
        content = file.read_bytes()
        start = 0
        for end in find_ends(np.frombuffer(content, dtype=np.uint8), _GEAR):
            chunk = content[start:end]
            found[blake2b(chunk, digest_size=16).digest()] = len(chunk)
            start = end
    return found


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def find_ends(content: NDArray[np.uint8], gear: NDArray[np.uint64]) -> list[int]:
    """Find where each chunk of a file ends; the last ends with the file."""
    ends = [0 for _ in range(0)]
    start, value = 0, np.uint64(0)
    for place in range(len(content)):
        value = (value << np.uint64(1)) + gear[content[place]]
        length = place + 1 - start
        if length >= _LONGEST or (length >= _SHORTEST and value & _ENDS == 0):
            ends.append(place + 1)
            start = place + 1
    if start < len(content):
        ends.append(len(content))
    return ends


def _simulate(n_cells: int) -> pa.Table:
    """Draw expression of the usual size: 1,430 of 29,400 genes of each cell, most of them counted once."""
    rng = np.random.default_rng(1)
    genes = np.sort(rng.integers(0, _N_GENES, size=(n_cells, _N_VALUES), dtype=np.int32), axis=1)
    counts = rng.geometric(0.6, size=genes.size).astype(np.float32)
    ends = np.arange(0, genes.size + 1, _N_VALUES)
    ids = pa.array([f"cell_{number:07d}" for number in range(n_cells)])
    return pa.table(
        {
            "cell_id": ids,
            "feature_index": list_array(ends, genes.ravel()),
            "value": list_array(ends, counts),
        }
    )


def _measure(n_cells: int) -> None:
    """Print what five cells more in the middle, and another value of one cell, send of expression."""
    cells = _simulate(n_cells + 5)
    middle = n_cells // 2
    before = pa.concat_tables([cells.slice(0, middle), cells.slice(middle + 5)])
    mended = pa.concat_tables([before.slice(0, middle), cells.slice(middle, 1), before.slice(middle + 1)])
    forms: dict[str, tuple[str, int | None]] = {
        f"parts of groups of {ROWS_PER_DRAW}, as in the lake": ("expression", ROWS_PER_DRAW),
        "parts of one group": ("expression", None),
        "one file of such groups, as in an atlas": ("expression.parquet", None),
    }
    print("| expression | MB | five cells more | one cell changed |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for number, (form, (name, rows_per_draw)) in enumerate(forms.items()):
            places = [Path(folder) / f"{number}-{version}" / name for version in ("old", "more", "mended")]
            for place, table in zip(places, (before, cells, mended), strict=True):
                place.parent.mkdir()
                with TableWriter(place, schema=cells.schema, rows_per_draw=rows_per_draw) as writer:
                    writer.write(table)
            old, *changed = places
            size = sum(file.stat().st_size for file in files_of_tree(old))
            shares = [f"{count_sent(old, place).chunk_bytes / size:.1%}" for place in changed]
            print(f"| {form} | {size / 1e6:.1f} | {' | '.join(shares)} |")


def main() -> None:
    """Compare two folders, or measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER")
    parser.add_argument("--cells", type=int, default=20_000)
    options = parser.parse_args()
    if options.folders:
        sent = count_sent(*options.folders)
        print(
            f"{sent.n_files:,} files of {sent.file_bytes / 1e6:,.1f} MB are new or changed, and "
            f"{sent.chunk_bytes / 1e6:,.1f} MB of their chunks"
        )
    else:
        _measure(options.cells)


if __name__ == "__main__":
    main()
