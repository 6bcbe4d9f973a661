"""Cells with their sentences, read in blocks of rows of `train_test`."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from c2s_assets.core.batches.order import Blocks
from c2s_assets.core.columns import CELL_SENTENCE
from c2s_assets.core.errors import MachineError
from c2s_assets.core.expression.tables import ROWS_PER_DRAW
from c2s_assets.storage.batches.files import SameFile
from c2s_assets.storage.streams import N_THREADS
from c2s_assets.storage.tables.scanning import scan_files

# A process that was forked has the module of the one before it, but not the threads of Polars.
_IMPORTED_BY = os.getpid()


@dataclass(frozen=True)
class SentenceCells:
    """Cells whose sentences can be read, numbered on end over the files.

    Attributes
    ----------
    blocks
        Which file and from which of its rows on each block is.
    """

    blocks: Blocks
    files: tuple[SameFile, ...]

    @classmethod
    def find(cls, files: Sequence[Path]) -> "SentenceCells":
        """Cut the rows of some files into blocks. Polars reads only the pages that a block lies in."""
        found, first_cell = [], 0
        for number, path in enumerate(files):
            n_rows, n_bytes = _size_of_sentences(path)
            starts = np.arange(0, n_rows, ROWS_PER_DRAW)
            n_cells = np.minimum(ROWS_PER_DRAW, n_rows - starts)
            of_file, sizes = np.full(len(starts), number), n_cells * n_bytes // n_rows
            found.append(np.stack([of_file, starts, starts + first_cell, n_cells, sizes, sizes]))
            first_cell += n_rows
        return cls(Blocks(*np.concatenate(found, axis=1)), tuple(map(SameFile.of, files)))

    def load(self, blocks: Blocks) -> tuple[pa.Array, NDArray[np.int64]]:
        """Read the sentences of some blocks, and which cells they are of.

        Raises
        ------
        MissingInputError
            If a dataset was built anew meanwhile.
        MachineError
            If the process was forked.
        """
        if os.getpid() != _IMPORTED_BY:
            raise MachineError(
                "sentences are read by Polars, which would wait for ever in a forked process. Start the "
                "workers in another way: DataLoader(..., multiprocessing_context='spawn')."
            )
        places = list(zip(blocks.file.tolist(), blocks.place.tolist(), blocks.n_cells.tolist(), strict=True))
        with ThreadPoolExecutor(N_THREADS) as threads:
            pieces = list(threads.map(lambda place: self._read(*place), places))
        return self.join(pieces), blocks.cells

    @staticmethod
    def pick(window: pa.Array, rows: NDArray[np.int64]) -> pa.Array:
        """Copy rows of what was loaded."""
        return window.take(pa.array(rows))

    @staticmethod
    def join(pieces: Sequence[pa.Array]) -> pa.Array:
        """Put rows under each other."""
        return pa.concat_arrays(pieces)

    def _read(self, file: int, start: int, n_rows: int) -> pa.Array:
        with self.files[file].open() as opened:
            rows = scan_files(opened).select(CELL_SENTENCE).slice(start, n_rows).collect()
        return rows[CELL_SENTENCE].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())


def _size_of_sentences(path: Path) -> tuple[int, int]:
    """Count the rows of a file, and the bytes of their sentences."""
    footer = pq.read_metadata(path)
    names = [footer.schema.column(column).path for column in range(footer.num_columns)]
    column = names.index(CELL_SENTENCE)
    groups = [footer.row_group(group).column(column) for group in range(footer.num_row_groups)]
    return int(footer.num_rows), sum(int(group.total_uncompressed_size) for group in groups)
