"""Cells with their expression, read in blocks that are row groups of `expression`."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from c2s_assets.core.batches.genes import GeneColumns
from c2s_assets.core.batches.kernels import Window, gather_rows, pick_rows
from c2s_assets.core.batches.order import Blocks
from c2s_assets.core.columns import FEATURE_INDEX, VALUE
from c2s_assets.core.errors import LakeError
from c2s_assets.core.expression.csr import Csr
from c2s_assets.storage.batches.files import SameFile
from c2s_assets.storage.streams import N_THREADS

_VALUES_IN_FILE = f"{VALUE}.list.element"


@dataclass(frozen=True)
class ExpressionCells:
    """Cells whose expression can be read, numbered on end over the datasets.

    Attributes
    ----------
    blocks
        Which file and which of its row groups each block is.
    rows
        Where in its block each cell is, ``(n_cells,)``.
    dataset_of
        Which dataset each file is of.
    """

    blocks: Blocks
    files: tuple[SameFile, ...]
    dataset_of: tuple[str, ...]
    rows: NDArray[np.int32]
    genes: GeneColumns

    @classmethod
    def find(
        cls, files: Mapping[str, Sequence[Path]], rows: Mapping[str, NDArray[np.int64]], genes: GeneColumns
    ) -> "ExpressionCells":
        """Find the blocks of the cells.

        Parameters
        ----------
        files
            The parts of `expression` of each dataset.
        rows
            Which cells of each dataset, ascending.
        """
        found: list[NDArray[np.int64]] = []
        local: list[NDArray[np.int64]] = []
        first_file = first_cell = 0
        bytes_per_value = np.dtype(_index_type(genes)).itemsize + np.dtype(np.float32).itemsize
        for dataset_id, parts in files.items():
            groups = _row_groups(parts)
            starts = np.cumsum(groups.n_rows) - groups.n_rows
            bounds = np.searchsorted(rows[dataset_id], [*starts, starts[-1] + groups.n_rows[-1]])
            n_cells = np.diff(bounds)
            n_bytes = groups.n_values * n_cells // groups.n_rows * bytes_per_value
            columns = (
                groups.file + first_file,
                groups.place,
                bounds[:-1] + first_cell,
                n_cells,
                groups.n_values,
                n_bytes,
            )
            found.append(np.stack(columns)[:, n_cells > 0])
            local.append(rows[dataset_id] - np.repeat(starts, n_cells))
            first_file += len(parts)
            first_cell += len(rows[dataset_id])
        return cls(
            blocks=Blocks(*np.concatenate(found, axis=1)),
            files=tuple(SameFile.of(path) for parts in files.values() for path in parts),
            dataset_of=tuple(dataset_id for dataset_id, parts in files.items() for _ in parts),
            rows=np.concatenate(local).astype(np.int32),
            genes=genes,
        )

    def load(self, blocks: Blocks) -> tuple[Window, NDArray[np.int64]]:
        """Read all cells of some blocks: their rows, and which cells they are.

        Raises
        ------
        MissingInputError
            If a dataset was built anew meanwhile.
        LakeError
            If a table of the lake contradicts itself.
        """
        ordered = blocks.take(np.argsort(blocks.file, kind="stable"))
        n_cells, n_stored = int(ordered.n_cells.sum()), int(ordered.n_stored.sum())
        # Room for all that the blocks store, of which pages that nothing is written to take no memory.
        window = Window(
            starts=np.empty(n_cells, np.int64),
            stops=np.empty(n_cells, np.int64),
            indices=np.empty(n_stored, _index_type(self.genes)),
            values=np.empty(n_stored, np.float32),
        )
        rows = np.cumsum(ordered.n_cells) - ordered.n_cells
        starts = np.cumsum(ordered.n_stored) - ordered.n_stored
        of_files = np.split(np.arange(len(rows)), np.flatnonzero(np.diff(ordered.file)) + 1)
        with ThreadPoolExecutor(N_THREADS) as threads:
            reading = [
                threads.submit(self._read, ordered.take(chosen), window, rows[chosen], starts[chosen])
                for chosen in of_files
            ]
            for read in reading:
                read.result()
        return window, ordered.cells

    @staticmethod
    def pick(window: Window, rows: NDArray[np.int64]) -> Csr:
        """Copy rows of what was loaded."""
        indptr = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(window.stops[rows] - window.starts[rows], out=indptr[1:])
        batch = Csr(indptr, np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32))
        gather_rows(window, rows, batch)
        return batch

    @staticmethod
    def join(pieces: Sequence[Csr]) -> Csr:
        """Put rows under each other."""
        lengths = np.concatenate([np.diff(piece.indptr) for piece in pieces])
        return Csr(
            np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
            np.concatenate([piece.indices for piece in pieces]),
            np.concatenate([piece.values for piece in pieces]),
        )

    def _read(
        self, blocks: Blocks, window: Window, rows: NDArray[np.int64], starts: NDArray[np.int64]
    ) -> None:
        """Read blocks of one file into a window, each from its row and its room on."""
        file = int(blocks.file[0])
        columns = self.genes.columns[self.dataset_of[file]]
        with self.files[file].open() as opened, pq.ParquetFile(opened, pre_buffer=False) as part:
            for position, group in enumerate(blocks.place.tolist()):
                first = blocks.first_cell[position]
                block = _read_group(part, group)
                wrong = pick_rows(
                    block,
                    self.rows[first : first + blocks.n_cells[position]],
                    columns=columns,
                    n_columns=len(self.genes.genes),
                    is_ascending=self._are_ascending[self.dataset_of[file]],
                    window=window,
                    row=rows[position],
                    start=starts[position],
                )
                if wrong >= 0:
                    raise LakeError(
                        f"{self.files[file].path}: feature_index {block.indices[wrong]} is not a row of "
                        f"feature_metadata. Build the dataset again."
                    )

    @cached_property
    def _are_ascending(self) -> dict[str, bool]:
        """Whether values of a row that ascend by feature ascend by column as well, by dataset."""
        return {
            dataset_id: bool(np.all(np.diff(columns[columns >= 0]) > 0))
            for dataset_id, columns in self.genes.columns.items()
        }


@dataclass(frozen=True)
class _RowGroups:
    """Row groups of several files: file, position in it, rows and values."""

    file: NDArray[np.int64]
    place: NDArray[np.int64]
    n_rows: NDArray[np.int64]
    n_values: NDArray[np.int64]


def _row_groups(parts: Sequence[Path]) -> _RowGroups:
    found = []
    for number, path in enumerate(parts):
        footer = pq.read_metadata(path)
        names = [footer.schema.column(column).path for column in range(footer.num_columns)]
        values = names.index(_VALUES_IN_FILE)
        for place in range(footer.num_row_groups):
            group = footer.row_group(place)
            found.append((number, place, group.num_rows, group.column(values).num_values))
    return _RowGroups(*np.array(found, np.int64).T)


def _read_group(part: pq.ParquetFile, group: int) -> Csr:
    table = part.read_row_group(group, columns=[FEATURE_INDEX, VALUE], use_threads=False)
    indices, values = (_as_one(table[name]) for name in (FEATURE_INDEX, VALUE))
    if not indices.offsets.equals(values.offsets):
        raise LakeError("a cell of expression has more features than values. Build the dataset again.")
    return Csr(np.asarray(indices.offsets, np.int64), np.asarray(indices.values), np.asarray(values.values))


def _as_one(lists: Any) -> Any:
    return lists.chunk(0) if lists.num_chunks == 1 else lists.combine_chunks()


def _index_type(genes: GeneColumns) -> type[np.uint16] | type[np.int32]:
    """Keep positions of genes in two bytes where they fit: so many more cells are mixed."""
    return np.uint16 if len(genes.genes) <= np.iinfo(np.uint16).max + 1 else np.int32
