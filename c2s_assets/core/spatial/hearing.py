"""Lets all cells of a sample hear each other, strip by strip, and lays the result out as a table."""

from itertools import pairwise

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
from c2s_assets.core.spatial.communication import Heard, listen
from c2s_assets.core.spatial.neighbours import lay_out
from c2s_assets.core.spatial.roles import Roles, Speech
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.core.spatial.spreading import spread
from c2s_assets.core.spatial.strips import Strip, cut_into_strips


class Hearing:
    """What the cells of a sample say to each other, strip by strip; several strips can be asked at once.

    Parameters
    ----------
    levels
        Of the genes of `roles`, scaled, a row per cell of the sample.
    """

    def __init__(self, sample: SpatialSample, levels: Csr, roles: Roles) -> None:
        self.sample = sample
        self._places = lay_out(sample.xy_um, sample.section, radius_um=sample.reach.radius_um)
        n_genes = 1 + int(max(roles.ligand_genes.max(), roles.receptor_genes.max()))
        genes = csr_of(csr_array(matrix_of(levels, n_columns=n_genes)[self._places.cell]))
        rows = sample.cells[self._places.cell].astype(np.int32)
        self._speech = Speech(roles, genes, rows)
        self.n_pairs = roles.ligand_begins.size - 1
        self.strips = cut_into_strips(self._places, sample.section[self._places.cell])
        self.position = np.empty(len(sample.cells), np.int64)
        self.position[self._places.cell] = np.arange(len(sample.cells))

    def listen(self, strip: Strip) -> Heard:
        """Let the cells of a strip hear what their neighbours say."""
        return listen(self._places, strip, speech=self._speech, reach=self.sample.reach)


class StripSums:
    """Puts together what strips share: what cells at their borders say, and what is heard in a section."""

    def __init__(self, hearing: Hearing) -> None:
        shape = (len(hearing.sample.sections), hearing.n_pairs)
        self.n_contacts = np.zeros(shape, np.int64)
        self.totals = np.zeros(hearing.n_pairs)
        self._ends = {strip: after.low for strip, after in pairwise(hearing.strips)}
        self._pending = np.zeros(0)

    def add(self, strip: Strip, found: Heard) -> Csr:
        """Add what the cells of the next strip hear.

        Returns
        -------
        Per cell that nobody else can hear any more, in their order, the pairs by which it is heard, and how
        much; those before them were returned before.
        """
        self.n_contacts[strip.section] += found.n_contacts
        found.sent[: self._pending.size] += self._pending
        bounds = found.ligands.indptr[: self._ends.get(strip, strip.high) - strip.low + 1]
        said, pairs = found.sent[: bounds[-1]], found.ligands.indices[: bounds[-1]]
        self._pending = found.sent[bounds[-1] :].copy()
        self.totals += np.bincount(pairs, weights=said, minlength=len(self.totals))
        is_heard = said > 0
        before = np.concatenate([[0], np.cumsum(is_heard)])
        return Csr(before[bounds], pairs[is_heard], said[is_heard].astype(np.float32))


def table_of_heard(
    rows: NDArray[np.bool_], n_neighbours: NDArray[np.int32], senders: Csr, received: Csr
) -> pa.Table:
    """Lay out what cells hear as columns of all rows, null where a row is no cell with a place."""
    sender_index, sender_score = _lists(rows, senders)
    pair_index, amounts = _lists(rows, received)
    return pa.table(
        {
            N_NEIGHBOURS: spread(pa.array(n_neighbours), rows),
            SCORE_RECEIVED: _floats(rows, _totals(senders)),
            SENDER_INDEX: sender_index,
            SENDER_SCORE: sender_score,
            RECEIVED_PAIR_INDEX: pair_index,
            RECEIVED: amounts,
        }
    )


def table_of_sent(rows: NDArray[np.bool_], sent: Csr) -> pa.Table:
    """Lay out what cells say in the same way."""
    pairs, amounts = _lists(rows, sent)
    return pa.table({SCORE_SENT: _floats(rows, _totals(sent)), SENT_PAIR_INDEX: pairs, SENT: amounts})


def table_of_places(sample: SpatialSample, rows: NDArray[np.bool_], cells: slice) -> pa.Table:
    """Lay out where cells lie in the same way."""
    sections = pa.array(sample.sections, pa.string()).take(pa.array(sample.section[cells]))
    x, y = sample.xy_um[cells].T
    return pa.table({SECTION: spread(sections, rows), X_UM: _floats(rows, x), Y_UM: _floats(rows, y)})


def _totals(found: Csr) -> NDArray[np.float64]:
    sums = np.concatenate([[0.0], np.cumsum(found.values, dtype=np.float64)])
    totals: NDArray[np.float64] = np.diff(sums[found.indptr])
    return totals


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
