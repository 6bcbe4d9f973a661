"""What the tables to train on take; prints Markdown.

    python -m benchmarks.training FOLDER --cells 1000000

Makes an atlas (`benchmarks.atlas`) and its training table, unless they are there, and then runs each command
as a process of its own, with its imports. Says first which share of writing sentences the count of ties is.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
from numba import njit
from scipy.sparse import csr_array

from benchmarks.atlas import N_VARS, write_atlas
from c2s_assets.core.sentences.composing import SentenceComposer, SentenceSpec, Vocabulary
from c2s_assets.core.sentences.ranking import _count_above_ties

_N_CELLS, _N_VALUES = 2_048, 1_430
_COMMANDS = (
    ("build", "atlas", "--only", "training_prompts"),
    ("build", "atlas", "--only", "pseudobulk"),
    ("build", "atlas", "--only", "pseudocells"),
    ("export", "annbatch", "atlas", "--to", "{folder}/annbatch"),
)
_BATCHES = """
import sys
import c2s_assets
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
n_cells, shown = 0, []
batches = c2s_assets.batches(side="train", lake=sys.argv[1])
for epoch in range(3):
    for batch in batches:
        n_cells += 256
    shown.append(f"{resident():,.0f}")
print(f"Batches of {n_cells:,} cells in three epochs: {', '.join(shown)} MB are resident after each.")
"""


def main() -> None:
    """Measure one after the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=20_000)
    options = parser.parse_args()
    print(f"Counting ties is {share_of_ties():.2%} of writing sentences.\n", flush=True)
    lake = options.folder / "lake"
    if not lake.exists():
        (lake / "inbox").mkdir(parents=True)
        write_atlas(lake / "inbox" / "atlas.h5ad", n_obs=options.cells)
        (lake / "datasets.yaml").write_text("prompts: {top_n: 200}\n", encoding="utf-8")
        _run(lake, "build", "atlas", "--only", "train_test,expression")
    print("| command | s | s of processor time | MB |\n| --- | ---: | ---: | ---: |", flush=True)
    for command in _COMMANDS:
        said = [part.format(folder=options.folder) for part in command]
        print(f"| {' '.join(command[:4])} | {_run(lake, *said)} |", flush=True)
    subprocess.run([sys.executable, "-c", _BATCHES, str(lake)], check=True)


def share_of_ties() -> float:
    """Return the processor time of counting ties, over that of writing the sentences of the same cells."""
    rng = np.random.default_rng(0)
    counts = rng.geometric(0.6, _N_CELLS * _N_VALUES).astype(np.float32)
    genes = np.concatenate([rng.choice(N_VARS, _N_VALUES, replace=False) for _ in range(_N_CELLS)])
    ends = np.arange(0, counts.size + 1, _N_VALUES)
    cells = csr_array((counts, genes, ends), shape=(_N_CELLS, N_VARS))
    ids = [f"ENSG{number:011d}" for number in range(N_VARS)]
    features = pl.DataFrame({"feature_id": ids, "symbol": [f"GENE{number}" for number in range(N_VARS)]})
    composer = SentenceComposer(Vocabulary(features), SentenceSpec("X", "all"))
    cell_ids = pl.Series([f"cell{number}" for number in range(_N_CELLS)])
    levels = -np.sort(-counts.reshape(_N_CELLS, _N_VALUES), axis=1).astype(np.int64)
    inverted = (np.int64(2**20) - levels).astype(np.uint64)
    _count_ties(inverted)
    composer.compose(cells, cell_ids)
    began = time.process_time()
    composer.compose(cells, cell_ids)
    composed = time.process_time()
    for _ in range(10):
        _count_ties(inverted)
    return (time.process_time() - composed) / 10 / (composed - began)


@njit  # type: ignore[untyped-decorator]
def _count_ties(levels: np.ndarray) -> int:  # type: ignore[type-arg]
    n = 0
    for row in range(levels.shape[0]):
        n += _count_above_ties(levels[row], 0, levels.shape[1], levels.shape[1])
    return n


def _run(lake: Path, *command: str) -> str:
    """Run a command; say how long it took, its processor time and its peak of memory."""
    left_out = ("DAGSTER_HOME", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    began = time.monotonic()
    running = subprocess.Popen(
        [sys.executable, "-m", "c2s_assets", *command],
        env={**environment, "C2S_LAKE": str(lake)},
        stdout=sys.stderr,
    )
    _, status, used = os.wait4(running.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    seconds = time.monotonic() - began
    return f"{seconds:.1f} | {used.ru_utime + used.ru_stime:.1f} | {used.ru_maxrss / 1024:,.0f}"


if __name__ == "__main__":
    main()
