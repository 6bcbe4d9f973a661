"""Does one thing in a process of its own and prints how many seconds that took; called by `run`.

    python -m benchmarks.measure NAME ATLAS FOLDER

FOLDER is where the result goes, of NAME `write` that of `sentences` before.
"""

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from time import perf_counter


def main(name: str, atlas: Path, folder: Path) -> None:
    """Get ready, then do the work and print its seconds."""
    work = _get_ready(name, atlas, folder)
    started = perf_counter()
    work()
    print(perf_counter() - started)


def _get_ready(name: str, atlas: Path, folder: Path) -> Callable[[], object]:
    """Import what the work needs and nothing else, so that the memory measured is that of its way."""
    if name in ("dense", "sparse", "h5py"):
        references = import_module("benchmarks.references")
        if name == "h5py":
            return partial(references.read_all, atlas)
        return partial(references.dense_way if name == "dense" else references.sparse_way, atlas, folder)
    ours = import_module("benchmarks.ours")
    if name == "reader":
        return partial(ours.read_blocks, atlas)
    if name == "sentences":
        ours.load_kernels()
        return partial(ours.write_sentences, atlas, folder)
    floor = import_module("benchmarks.floor")
    if name == "inflate":
        return partial(floor.inflate, atlas)
    blocks = floor.load_part(folder, rows=ours.ROWS_PER_BLOCK)
    n_obs = import_module("c2s_assets.storage.tables.parquet").count_rows(folder)
    return partial(floor.write_only, blocks, folder.with_name("written"), n_obs=n_obs)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
