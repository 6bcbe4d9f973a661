"""Lets all cells of a sample hear each other, block by block, and lays the result out as a table."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array

from c2s_assets.core.expression.csr import Csr, csr_of, matrix_of
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
from c2s_assets.core.spatial.spreading import spread

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
        n_genes = 1 + int(max(roles.ligand_genes.max(), roles.receptor_genes.max()))
        genes = csr_of(csr_array(matrix_of(levels, n_columns=n_genes)[self._places.cell]))
        self._speech = Speech(roles, genes, ligands_of(genes, roles))
        self._n_pairs = roles.ligand_begins.size - 1
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
        said = csr_array(self._said[self._position[cells]])
        said.eliminate_zeros()
        pairs, amounts = _lists(rows, csr_of(said))
        totals = np.asarray(said.sum(axis=1)).ravel()
        return pa.table({SCORE_SENT: _floats(rows, totals), SENT_PAIR_INDEX: pairs, SENT: amounts})

    def totals(self) -> NDArray[np.float64]:
        """Return what all cells say by each pair; complete once all was heard."""
        said = self._speech.ligands.indices
        return np.bincount(said, weights=self._sent, minlength=self._n_pairs).astype(np.float64)

    def places(self, start: int) -> pa.Table:
        """Return where the cells of the block that begins at a row lie."""
        rows, cells = self._block(start)
        sections = pa.array(self._sample.sections, pa.string()).take(pa.array(self._sample.section[cells]))
        x, y = self._sample.xy_um[cells].T
        return pa.table({SECTION: spread(sections, rows), X_UM: _floats(rows, x), Y_UM: _floats(rows, y)})

    def _block(self, start: int) -> tuple[NDArray[np.bool_], slice]:
        return self._sample.between(start, start + CELLS_PER_BLOCK)

    @cached_property
    def _said(self) -> csr_array:
        """What each position of the places says by each pair, made once: all of it is copied for that."""
        ligands = self._speech.ligands
        shape = (len(ligands.indptr) - 1, self._n_pairs)
        return csr_array((self._sent, ligands.indices, ligands.indptr), shape=shape)

    def _as_table(self, rows: NDArray[np.bool_], found: Heard, back: NDArray[np.int64]) -> pa.Table:
        senders_in_obs = self._sample.cells[self._places.cell[found.senders.indices]].astype(np.int32)
        of_cells = found.senders._replace(indices=senders_in_obs)
        senders = matrix_of(of_cells, n_columns=self._sample.n_obs)[back]
        senders.sort_indices()
        received = matrix_of(found.received, n_columns=self._n_pairs)[back]
        sender_index, sender_score = _lists(rows, csr_of(senders))
        pair_index, amounts = _lists(rows, csr_of(received))
        n_neighbours = pa.array(found.n_neighbours[back].astype(np.int32))
        totals = np.asarray(senders.sum(axis=1, dtype=np.float64)).ravel()
        return pa.table(
            {
                N_NEIGHBOURS: spread(n_neighbours, rows),
                SCORE_RECEIVED: _floats(rows, totals),
                SENDER_INDEX: sender_index,
                SENDER_SCORE: sender_score,
                RECEIVED_PAIR_INDEX: pair_index,
                RECEIVED: amounts,
            }
        )


def _lists(rows: NDArray[np.bool_], found: Csr) -> tuple[pa.Array, pa.Array]:
    """Lay the entries of cells out as lists of all rows, null where a row is none of them."""
    bounds = pa.array(found.indptr.astype(np.int32))
    indices, values = pa.array(found.indices), pa.array(found.values)
    return (
        spread(pa.ListArray.from_arrays(bounds, indices), rows),
        spread(pa.ListArray.from_arrays(bounds, values), rows),
    )


def _floats(rows: NDArray[np.bool_], values: NDArray[np.float64]) -> pa.Array:
    return spread(pa.array(values.astype(np.float32)), rows)
