"""Batches of one epoch after the other, from any of them on."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.batches.order import Epoch, Share
from c2s_assets.core.errors import C2SError, UnknownNameError
from c2s_assets.core.expression.csr import Csr
from c2s_assets.storage.batches.expression import ExpressionCells
from c2s_assets.storage.batches.sentences import SentenceCells
from c2s_assets.storage.streams import one_ahead

Form = Literal["csr", "dense", "torch"]
FORMS: tuple[Form, ...] = ("csr", "dense", "torch")

# Of two windows: one that is drawn from, and the next one, which is being read. At 1,400 values a cell in 6
# bytes each, a window is 23,800 cells, or 186 blocks.
_BYTES_PER_WINDOW = 200_000_000


@dataclass(frozen=True)
class Batch:
    """Some cells, in random order.

    Attributes
    ----------
    cells
        The columns that were asked for, one row per cell. Texts are positions in their categories.
    x
        Expression, ``(n_cells, n_genes)`` float32: a `csr_array` whose columns ascend in each row, a dense
        array, or a tensor in CSR layout. None of sentences.
    sentences
        The sentence of each cell; none of expression.
    """

    cells: pa.RecordBatch
    x: Any = None
    sentences: tuple[str, ...] = ()

    def codes(self, column: str) -> NDArray[np.int32]:
        """Tell of each cell which of `Batches.categories[column]` it has, or -1 where that is not known."""
        found = self.cells.column(column) if column in self.cells.schema.names else None
        if not isinstance(found, pa.DictionaryArray):
            known = [field.name for field in self.cells.schema if pa.types.is_dictionary(field.type)]
            raise UnknownNameError(
                f"{column!r} is no column of categories in these batches. There are "
                f"{', '.join(known) or 'none'}; name what you need: batches(columns=[...])."
            )
        codes: NDArray[np.int32] = found.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return codes


@dataclass(frozen=True)
class Batches:
    """Shuffled batches of cells, made by `batches`; iterating gives those of one epoch, always the same.

    Attributes
    ----------
    genes
        Feature id of each column of `x`; none of sentences.
    measured
        For each dataset, which of these genes it has; in the others its zeros say nothing.
    categories
        Of each column of text all values that any cell has on any side, so that codes mean the same in
        batches of every side.
    epoch, batch
        Where iterating begins, see `at`.
    """

    genes: tuple[str, ...]
    measured: Mapping[str, NDArray[np.bool_]]
    categories: Mapping[str, list[str]]
    batch_size: int
    seed: int
    form: Form
    _source: ExpressionCells | SentenceCells
    _labels: pa.RecordBatch
    _shares: tuple[Share, ...] = ()
    epoch: int = 0
    batch: int = 0

    @property
    def n_cells(self) -> int:
        """Cells of an epoch, of this share."""
        return sum(self._source.blocks.n_cells[blocks].sum() for blocks in self._windows())

    def __len__(self) -> int:
        """Count the batches from where iterating begins to the end of the epoch."""
        return max(0, -(-self.n_cells // self.batch_size) - self.batch)

    def at(self, *, epoch: int, batch: int = 0) -> "Batches":
        """Begin at a batch of an epoch; both count from 0. Each epoch has an order of its own."""
        if epoch < 0 or batch < 0:
            raise C2SError(f"there is no batch {batch} of epoch {epoch}: both count from 0.")
        return replace(self, epoch=epoch, batch=batch)

    def share(self, index: int, of: int) -> "Batches":
        """Take one of several shares, such as that of one process of several that train side by side.

        Every cell is in exactly one share of an epoch. Shares differ by some cells: to make as many steps
        in each process, stop after ``min(len(batches.share(i, n)) for i in range(n))`` of them.
        """
        return replace(self, _shares=(*self._shares, Share(index, of)))

    def for_torch(self) -> Any:
        """Give them as a `torch.utils.data.IterableDataset`; each worker of a DataLoader has a share of them.

        Use it with ``DataLoader(dataset, batch_size=None)``, because it yields whole batches. It begins at
        ``at(epoch=..., batch=...)`` with any number of workers: `batch` counts what the DataLoader gave.
        """
        return _torch("c2s_assets.storage.batches.for_torch").TorchBatches(self)

    def __iter__(self) -> Iterator[Batch]:
        """Read the batches, the next window in a thread of its own while one is drawn from."""
        held: list[tuple[Any, NDArray[np.int64]]] = []
        n_held = 0
        with closing(one_ahead(self._loaded())) as windows:
            for window, cells, order in windows:
                start = 0
                while start < len(order):
                    rows = order[start : start + self.batch_size - n_held]
                    held.append((self._source.pick(window, rows), cells[rows]))
                    n_held, start = n_held + len(rows), start + len(rows)
                    if n_held == self.batch_size:
                        yield self._put_together(held)
                        held, n_held = [], 0
        if held:
            yield self._put_together(held)

    def _loaded(self) -> Generator[tuple[Any, NDArray[np.int64], NDArray[np.int64]]]:
        """Load the windows from where iterating begins, each with its cells and the order of its rows."""
        n_skipped = self.batch * self.batch_size
        for number, chosen in enumerate(self._windows()):
            blocks = self._source.blocks.take(chosen)
            n_cells = int(blocks.n_cells.sum())
            if n_skipped < n_cells:
                window, cells = self._source.load(blocks)
                yield window, cells, self._epoch.draw(n_cells, window=number)[n_skipped:]
            n_skipped = max(0, n_skipped - n_cells)

    @property
    def _epoch(self) -> Epoch:
        return Epoch(self.seed, self.epoch, self._shares)

    def _windows(self) -> list[NDArray[np.int64]]:
        return self._epoch.windows(self._source.blocks, n_bytes=_BYTES_PER_WINDOW)

    def _put_together(self, held: list[tuple[Any, NDArray[np.int64]]]) -> Batch:
        pieces = [piece for piece, _ in held]
        rows: Any = pieces[0] if len(pieces) == 1 else self._source.join(pieces)
        labels = self._labels
        if labels.num_columns:
            labels = labels.take(pa.array(np.concatenate([cells for _, cells in held])))
        if isinstance(self._source, SentenceCells):
            return Batch(labels, sentences=tuple(rows.to_pylist()))
        return Batch(labels, x=_in_form(rows, len(self.genes), form=self.form))


def _in_form(rows: Csr, n_genes: int, *, form: Form) -> Any:
    shape = (len(rows.indptr) - 1, n_genes)
    # Two types of index would be made one by SciPy, in a copy.
    indptr = rows.indptr if rows.indptr[-1] > np.iinfo(np.int32).max else rows.indptr.astype(np.int32)
    if form == "torch":
        torch = _torch("torch")
        parts = (torch.from_numpy(part) for part in (indptr, rows.indices, rows.values))
        return torch.sparse_csr_tensor(*parts, size=shape, check_invariants=False)
    matrix = csr_array((rows.values, rows.indices, indptr), shape=shape)
    return matrix.toarray() if form == "dense" else matrix


def _torch(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise C2SError(
            "PyTorch is not installed, which form='torch' and for_torch() need. Install it with pip install "
            "torch, or take form='csr' or 'dense'."
        ) from error
