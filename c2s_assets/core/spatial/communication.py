"""What cells can say to each other: ligands of one, receptors of another, and how far apart they lie.

A mass action of ligand and receptor with a Hill function, weighted by distance, as CellChat defines it for
groups of cells (Jin et al. 2021, doi:10.1038/s41467-021-21246-9; Jin et al. 2025,
doi:10.1038/s41596-024-01045-4), between single cells. What is otherwise: the expression is scaled by a
quantile instead of its maximum, which one cell decides; the weight is clipped near zero instead of scaled by
the data; no agonists, antagonists and cofactors; no cell speaks to itself; nothing is a probability.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from c2s_assets.core.expression.csr import Csr
from c2s_assets.core.spatial.neighbours import Places, count_neighbours, distance_um, near
from c2s_assets.core.spatial.roles import Reach, Roles, Speech
from c2s_assets.core.spatial.strips import Strip

# Where ligand and receptor are at their scale both, the Hill function is two thirds.
HALF_SATURATION = 0.5
# Nearer than this, nearness makes no difference: it is about a cell.
NEAR_UM = 10.0


class Heard(NamedTuple):
    """What the cells of a strip hear.

    Attributes
    ----------
    n_neighbours
        Cells within the radius, shape ``(n_cells,)``.
    senders
        Per cell who says something to it, by row of obs, ascending, and how much over all pairs.
    received
        Per cell the pairs by which it hears something, ascending, and how much from all senders.
    ligands
        Per cell of the strip and of the rows beside it what `ligands_of` returns.
    sent
        What each of these says by each of its ligands to cells of the strip.
    n_contacts
        By each pair, how many times a cell hears another one.
    """

    n_neighbours: NDArray[np.int64]
    senders: Csr
    received: Csr
    ligands: Csr
    sent: NDArray[np.float64]
    n_contacts: NDArray[np.int64]


@njit(cache=True, nogil=True)
def ligands_of(genes: Csr, roles: Roles, first: int, last: int) -> Csr:
    """Give cells the ligands that they express: of several subunits the lowest decides.

    Parameters
    ----------
    first, last
        From and to which row of `genes` the cells are.

    Returns
    -------
    Per cell the pairs whose ligand it has, ascending, and the ligand's level.
    """
    n_cells, n_pairs = last - first, roles.ligand_begins.size - 1
    level = _no_levels(roles)
    indptr = np.zeros(n_cells + 1, np.int64)
    pairs, levels = np.empty(n_cells * n_pairs, np.int32), np.empty(n_cells * n_pairs, np.float32)
    n_ligands = 0
    for cell in range(n_cells):
        _put(level, genes, first + cell)
        for pair in range(n_pairs):
            lowest = _lowest(level, roles.ligand_begins, roles.ligand_genes, pair)
            if lowest > 0:
                pairs[n_ligands], levels[n_ligands] = pair, lowest
                n_ligands += 1
        indptr[cell + 1] = n_ligands
        _take_back(level, genes, first + cell)
    return Csr(indptr, pairs[:n_ligands].copy(), levels[:n_ligands].copy())


@njit(cache=True, nogil=True)
def listen(places: Places, strip: Strip, *, speech: Speech, reach: Reach) -> Heard:
    """Let the cells of a strip hear what their neighbours say."""
    n_cells, n_pairs = strip.last - strip.first, speech.roles.ligand_begins.size - 1
    n_neighbours = count_neighbours(places, strip.first, strip.last, reach.radius_um)
    ligands = ligands_of(speech.genes, speech.roles, strip.low, strip.high)
    sent, n_contacts = np.zeros(ligands.values.size, np.float64), np.zeros(n_pairs, np.int64)
    level, receptors = _no_levels(speech.roles), np.zeros(n_pairs, np.float32)
    heard, matches = np.zeros(n_pairs, np.float64), np.empty(n_pairs + 1, np.int64)
    far_ends = _ends_of_far(ligands, speech.roles.n_far)
    sender_bounds, pair_bounds = np.zeros(n_cells + 1, np.int64), np.zeros(n_cells + 1, np.int64)
    senders, scores = np.empty(n_neighbours.sum(), np.int32), np.empty(n_neighbours.sum(), np.float32)
    pairs, sums = np.empty(n_cells * n_pairs, np.int32), np.empty(n_cells * n_pairs, np.float32)
    n_senders = n_heard = 0
    for number in range(n_cells):
        position = strip.first + number
        _put(level, speech.genes, position)
        for pair in range(n_pairs):
            receptors[pair] = _lowest(level, speech.roles.receptor_begins, speech.roles.receptor_genes, pair)
        _take_back(level, speech.genes, position)
        for row in range(-1, 2):
            first, last = near(places, position, row)
            for other in range(first, last):
                distance = distance_um(places, position, other)
                if other == position or distance > reach.radius_um:
                    continue
                weight = NEAR_UM / max(distance, NEAR_UM)
                cell = other - strip.low
                end = ligands.indptr[cell + 1] if distance <= reach.contact_um else far_ends[cell]
                n_matches = 0
                for entry in range(ligands.indptr[cell], end):
                    # Without a branch, which nobody can predict: of 160 ligands 11 find a receptor.
                    matches[n_matches] = entry
                    n_matches += int(receptors[ligands.indices[entry]] > 0)
                score = 0.0
                for match in range(n_matches):
                    entry = matches[match]
                    pair = ligands.indices[entry]
                    action = np.float64(ligands.values[entry]) * receptors[pair]
                    said = weight * action / (HALF_SATURATION + action)
                    score += said
                    heard[pair] += said
                    sent[entry] += said
                    n_contacts[pair] += 1
                if score > 0:
                    senders[n_senders], scores[n_senders] = speech.row[other], score
                    n_senders += 1
        _sort(senders[sender_bounds[number] : n_senders], scores[sender_bounds[number] : n_senders])
        sender_bounds[number + 1] = n_senders
        n_heard = _note_pairs(heard, pairs, sums, n_heard)
        pair_bounds[number + 1] = n_heard
    return Heard(
        n_neighbours,
        Csr(sender_bounds, senders[:n_senders], scores[:n_senders]),
        Csr(pair_bounds, pairs[:n_heard].copy(), sums[:n_heard].copy()),
        ligands,
        sent,
        n_contacts,
    )


@njit(cache=True, nogil=True)
def _ends_of_far(ligands: Csr, n_far: int) -> NDArray[np.int64]:
    """Tell behind which entry of each cell the pairs begin that need contact."""
    ends = ligands.indptr[1:].copy()
    for cell in range(ends.size):
        while ends[cell] > ligands.indptr[cell] and ligands.indices[ends[cell] - 1] >= n_far:
            ends[cell] -= 1
    return ends


@njit(cache=True, nogil=True)
def rows_of(found: Csr, positions: NDArray[np.int64]) -> Csr:
    """Take some rows out of what is known of all; their indices and values may be mapped files."""
    indptr = np.zeros(positions.size + 1, np.int64)
    for number in range(positions.size):
        length = found.indptr[positions[number] + 1] - found.indptr[positions[number]]
        indptr[number + 1] = indptr[number] + length
    indices, values = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    for number in range(positions.size):
        start, stop = found.indptr[positions[number]], found.indptr[positions[number] + 1]
        indices[indptr[number] : indptr[number + 1]] = found.indices[start:stop]
        values[indptr[number] : indptr[number + 1]] = found.values[start:stop]
    return Csr(indptr, indices, values)


@njit(cache=True, nogil=True)
def _sort(senders: NDArray[np.int32], scores: NDArray[np.float32]) -> None:
    """Sort who is heard, and how much of each, as one number: its upper half is the sender."""
    bits = scores.view(np.uint32)
    both = np.empty(senders.size, np.int64)
    for number in range(senders.size):
        both[number] = (np.int64(senders[number]) << 32) | np.int64(bits[number])
    both.sort()
    for number in range(senders.size):
        senders[number] = both[number] >> 32
        bits[number] = both[number] & 0xFFFFFFFF


@njit(cache=True, nogil=True)
def _note_pairs(
    heard: NDArray[np.float64], pairs: NDArray[np.int32], sums: NDArray[np.float32], n_noted: int
) -> int:
    """Note the pairs that are above zero behind those noted before, and begin from zero again."""
    for pair in range(heard.size):
        if heard[pair] > 0:
            pairs[n_noted], sums[n_noted] = pair, heard[pair]
            n_noted += 1
            heard[pair] = 0
    return n_noted


@njit(cache=True, nogil=True)
def _no_levels(roles: Roles) -> NDArray[np.float32]:
    return np.zeros(1 + max(roles.ligand_genes.max(), roles.receptor_genes.max()), np.float32)


@njit(cache=True, nogil=True)
def _put(level: NDArray[np.float32], genes: Csr, cell: int) -> None:
    for entry in range(genes.indptr[cell], genes.indptr[cell + 1]):
        level[genes.indices[entry]] = genes.values[entry]


@njit(cache=True, nogil=True)
def _take_back(level: NDArray[np.float32], genes: Csr, cell: int) -> None:
    for entry in range(genes.indptr[cell], genes.indptr[cell + 1]):
        level[genes.indices[entry]] = 0


@njit(cache=True, nogil=True)
def _lowest(
    level: NDArray[np.float32], begins: NDArray[np.int64], subunits: NDArray[np.int32], pair: int
) -> np.float32:
    lowest = np.float32(np.inf)
    for subunit in range(begins[pair], begins[pair + 1]):
        lowest = min(lowest, level[subunits[subunit]])
    return lowest
