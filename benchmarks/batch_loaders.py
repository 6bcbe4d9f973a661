"""Draws two epochs of shuffled batches with one library, and prints what it took as JSON.

    python benchmarks/batch_loaders.py LIBRARY FOLDER

Called by `benchmarks.batches`, each library in an environment of its own, so nothing of another is imported.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

BATCH_SIZE = 256
LABEL = "cell_type"

Batches = Iterator[tuple[object, np.ndarray]]


def ours(folder: Path) -> Callable[[int], Batches]:
    """Read the lake's own tables."""
    import c2s_assets

    batches = c2s_assets.batches(side="train", columns=[LABEL], batch_size=BATCH_SIZE, lake=folder / "lake")
    return lambda epoch: ((batch.x, batch.codes(LABEL)) for batch in batches.at(epoch=epoch))


def annbatch(folder: Path) -> Callable[[int], Batches]:
    """Read `c2s export annbatch`, which is shuffled on disk, in chunks of 64 cells as that was written."""
    from annbatch import DatasetCollection, Loader

    loader = Loader(
        batch_size=BATCH_SIZE,
        chunk_size=64,
        preload_nchunks=256,
        shuffle=True,
        preload_to_gpu=False,
        rng=np.random.default_rng(0),
    )
    loader.use_collection(DatasetCollection(str(folder / "annbatch" / "train.zarr"), mode="r"))
    return lambda _: ((batch["X"], batch["obs"][LABEL].cat.codes.to_numpy()) for batch in loader)


def scdataset(folder: Path) -> Callable[[int], Batches]:
    """Read an h5ad that is not compressed, in blocks of 64 cells, 256 blocks at a time; kept as CSR."""
    import anndata as ad
    from scdataset import BlockShuffling, scDataset

    dataset = scDataset(
        ad.read_h5ad(folder / "train.h5ad", backed="r"),
        BlockShuffling(block_size=64),
        batch_size=BATCH_SIZE,
        fetch_factor=64,
        fetch_transform=ad.AnnData.to_memory,
        seed=0,
    )
    return lambda _: ((batch.X, batch.obs[LABEL].cat.codes.to_numpy()) for batch in dataset)


def main(library: str, folder: Path) -> None:
    """Draw two epochs, and tell cells, values, seconds, memory and how mixed the batches are."""
    draw = globals()[library](folder)
    started, worked = perf_counter(), process_time()
    labels, n_values = [], 0
    for epoch in range(2):
        for x, codes in draw(epoch):
            labels.append(codes)
            n_values += x.nnz
    seconds, processor = perf_counter() - started, process_time() - worked
    result = {
        "n_cells": sum(map(len, labels)),
        "n_values": int(n_values),
        "seconds": seconds,
        "processor_seconds": processor,
        "peak_mb": _peak_mb(),
        "entropy": entropy_of(labels),
    }
    print(json.dumps(result))


def entropy_of(labels: list[np.ndarray]) -> float:
    """Compare the mean entropy of whole batches with that of batches drawn from all cells, 1 if alike."""
    every = np.concatenate(labels)
    rng = np.random.default_rng(0)
    whole = [codes for codes in labels if len(codes) == len(labels[0])]
    random = [rng.choice(every, len(labels[0]), replace=False) for _ in range(200)]
    return float(
        np.mean([_entropy(codes) for codes in whole]) / np.mean([_entropy(codes) for codes in random])
    )


def _peak_mb() -> float:
    """Read the peak of this process; what getrusage says has that of the parent in it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1e3


def _entropy(codes: np.ndarray) -> float:
    shares = np.unique(codes, return_counts=True)[1] / len(codes)
    return float(-(shares * np.log(shares)).sum())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
