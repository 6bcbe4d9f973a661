"""The least work there is in writing sentences: to inflate the matrix, and to write the finished table."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import pyarrow as pa
import pyarrow.parquet as pq
from isal import isal_zlib

from c2s_assets.schemas.tables import CellSentences
from c2s_assets.storage.streams import N_THREADS
from c2s_assets.storage.tables.parquet import write_blocks

# A task of one chunk, 55 KB, costs more in Python than in inflating.
_CHUNKS_PER_TASK = 16


def inflate(source: Path) -> None:
    """Read the bytes of each chunk of X and let ISA-L undo the gzip, on two threads; keep nothing."""
    with h5py.File(source) as file, ThreadPoolExecutor(N_THREADS) as pool:
        for name in ("data", "indices"):
            dataset = file["X"][name]
            chunk_bytes = dataset.chunks[0] * dataset.dtype.itemsize
            stored: list[tuple[int, int]] = []
            dataset.id.chunk_iter(lambda chunk, to=stored: to.append((chunk.byte_offset, chunk.size)))
            tasks = [stored[i : i + _CHUNKS_PER_TASK] for i in range(0, len(stored), _CHUNKS_PER_TASK)]
            for _ in pool.map(lambda task, size=chunk_bytes: _inflate_chunks(source, task, size), tasks):
                pass


def load_part(sentences: Path, *, rows: int) -> list[pa.Table]:
    """Load the first file of a table of sentences into memory, in blocks as the composer hands them out."""
    table = pq.read_table(min(sentences.glob("*.parquet"))).replace_schema_metadata().combine_chunks()
    return [table.slice(start, rows) for start in range(0, table.num_rows, rows)]


def write_only(blocks: list[pa.Table], target: Path, *, n_obs: int) -> None:
    """Write sentences that are in memory with our writer, over again until there are `n_obs` rows."""
    write_blocks(target, _repeat(blocks, n_obs), model=CellSentences, footer={})


def _repeat(blocks: list[pa.Table], n_obs: int) -> Iterator[pa.Table]:
    n_left = n_obs
    while n_left:
        for block in blocks:
            taken = block.slice(0, n_left)
            n_left -= taken.num_rows
            if taken.num_rows:
                yield taken


def _inflate_chunks(source: Path, stored: list[tuple[int, int]], chunk_bytes: int) -> None:
    with source.open("rb", buffering=0) as file:
        for offset, n_bytes in stored:
            isal_zlib.decompress(os.pread(file.fileno(), n_bytes, offset), bufsize=chunk_bytes)
