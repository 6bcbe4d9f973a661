"""Lets all cells of a sample hear each other, block by block, and lays the result out as a table."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.expression.csr import Csr, csr_of
from c2s_assets.core.spatial.columns import (
    N_NEIGHBOURS,
    RECEIVED,
    RECEIVED_PAIR_INDEX,
    SCORE_RECEIVED,
    SCORE_SENT,
    SECTION,
    SENDER_INDEX,
    SENDER_SCORE,
    SENT,
    SENT_PAIR_INDEX,
    X_UM,
    Y_UM,
)
from c2s_assets.core.spatial.communication import Heard, ligands_of, listen
from c2s_assets.core.spatial.neighbours import lay_out
from c2s_assets.core.spatial.roles import Roles, Speech
from c2s_assets.core.spatial.sample import SpatialSample

# Some 600 neighbours a cell make 20 MB.
CELLS_PER_BLOCK = 4_096


class Hearing:
    """What the cells of a sample say to each other.

    Parameters
    ----------
    levels
        Of the genes of `roles`, scaled, a row per cell of the sample.
    """

    def __init__(self, sample: SpatialSample, levels: Csr, roles: Roles) -> None:
        self._sample = sample
        self._places = lay_out(sample.xy_um, sample.section, radius_um=sample.reach.radius_um)
        n_genes = 1 + max(roles.ligand_genes.max(), roles.receptor_genes.max())
        of_cells = csr_array(
            (levels.values, levels.indices, levels.indptr), shape=(len(sample.cells), n_genes)
        )
        genes = csr_of(csr_array(of_cells[self._places.cell]))
        self._speech = Speech(roles, genes, ligands_of(genes, roles))
        self._sent = np.zeros(self._speech.ligands.values.size)
        self._position = np.empty(len(sample.cells), np.int64)
        self._position[self._places.cell] = np.arange(len(sample.cells))

    def heard(self) -> Iterator[pa.Table]:
        """Yield what all rows of obs hear, block by block; null where a cell has no place."""
        for start in range(0, self._sample.n_obs, CELLS_PER_BLOCK):
            rows, cells = self._block(start)
            # In the order of places what a cell reads is still at hand from the one before.
            order = np.argsort(self._position[cells])
            found = listen(
                self._places,
                self._position[cells][order],
                speech=self._speech,
                reach=self._sample.reach,
                sent=self._sent,
            )
            yield self._as_table(rows, found, np.argsort(order))

    def sent(self, start: int) -> pa.Table:
        """Return what the cells of the block that begins at a row send; complete once all was heard."""
        rows, cells = self._block(start)
        ligands = self._speech.ligands
        n_cells, n_pairs = len(ligands.indptr) - 1, self._speech.roles.ligand_begins.size - 1
        of_all = csr_array((self._sent, ligands.indices, ligands.indptr), shape=(n_cells, n_pairs))
        said = csr_array(of_all[self._position[cells]])
        said.eliminate_zeros()
        pairs, amounts = _lists(rows, csr_of(said))
        totals = np.asarray(said.sum(axis=1)).ravel()
        return pa.table({SCORE_SENT: _floats(rows, totals), SENT_PAIR_INDEX: pairs, SENT: amounts})

    def totals(self) -> NDArray[np.float64]:
        """Return what all cells say by each pair; complete once all was heard."""
        n_pairs = self._speech.roles.ligand_begins.size - 1
        said = self._speech.ligands.indices
        return np.bincount(said, weights=self._sent, minlength=n_pairs).astype(np.float64)

    def places(self, start: int) -> pa.Table:
        """Return where the cells of the block that begins at a row lie."""
        rows, cells = self._block(start)
        sections = np.full(len(rows), None, dtype=object)
        sections[rows] = np.array(self._sample.sections, dtype=object)[self._sample.section[cells]]
        x, y = self._sample.xy_um[cells].T
        return pa.table(
            {SECTION: pa.array(sections, pa.string()), X_UM: _floats(rows, x), Y_UM: _floats(rows, y)}
        )

    def _block(self, start: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Say which rows of a block have a place, and which cells of the sample they are."""
        stop = min(start + CELLS_PER_BLOCK, self._sample.n_obs)
        first, last = np.searchsorted(self._sample.cells, [start, stop])
        rows = np.zeros(stop - start, bool)
        rows[self._sample.cells[first:last] - start] = True
        return rows, np.arange(first, last)

    def _as_table(self, rows: NDArray[np.bool_], found: Heard, back: NDArray[np.int64]) -> pa.Table:
        n_pairs = self._speech.roles.ligand_begins.size - 1
        n_cells = len(back)
        senders = csr_array(
            (
                found.senders.values,
                self._sample.cells[self._places.cell[found.senders.indices]],
                found.senders.indptr,
            ),
            shape=(n_cells, self._sample.n_obs),
        )[back]
        senders.sort_indices()
        received = csr_array(
            (found.received.values, found.received.indices, found.received.indptr), shape=(n_cells, n_pairs)
        )[back]
        sender_index, sender_score = _lists(rows, csr_of(senders))
        pair_index, amounts = _lists(rows, csr_of(received))
        n_neighbours = np.zeros(len(rows), np.int32)
        n_neighbours[rows] = found.n_neighbours[back]
        totals = np.asarray(senders.sum(axis=1, dtype=np.float64)).ravel()
        return pa.table(
            {
                N_NEIGHBOURS: pa.array(n_neighbours, mask=~rows),
                SCORE_RECEIVED: _floats(rows, totals),
                SENDER_INDEX: sender_index,
                SENDER_SCORE: sender_score,
                RECEIVED_PAIR_INDEX: pair_index,
                RECEIVED: amounts,
            }
        )


def _lists(rows: NDArray[np.bool_], found: Csr) -> tuple[pa.ListArray, pa.ListArray]:
    """Lay the entries of cells out as lists of all rows, null where a row is none of them."""
    lengths = np.zeros(len(rows), np.int64)
    lengths[rows] = np.diff(found.indptr)
    bounds = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    is_null = pa.array(~rows)
    indices, values = pa.array(found.indices), pa.array(found.values)
    return (
        pa.ListArray.from_arrays(bounds, indices, mask=is_null),
        pa.ListArray.from_arrays(bounds, values, mask=is_null),
    )


def _floats(rows: NDArray[np.bool_], values: NDArray[np.float64]) -> pa.Array:
    found = np.zeros(len(rows), np.float32)
    found[rows] = values
    return pa.array(found, mask=~rows)
