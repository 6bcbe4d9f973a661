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
from c2s_assets.core.spatial.bits import WORD, Bits, bits_of, count_bits
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
    level, lowest = _no_levels(roles), np.zeros(n_pairs, np.float32)
    further = _further_subunits(roles.ligand_begins)
    indptr = np.zeros(n_cells + 1, np.int64)
    # One more than there can be: each is written before it is known to count.
    pairs, levels = np.empty(n_cells * n_pairs + 1, np.int32), np.empty(n_cells * n_pairs + 1, np.float32)
    n_ligands = 0
    for cell in range(n_cells):
        _put(level, genes, first + cell)
        _take_lowest(lowest, level, roles.ligand_begins, roles.ligand_genes, further)
        for pair in range(n_pairs):
            pairs[n_ligands], levels[n_ligands] = pair, lowest[pair]
            n_ligands += int(lowest[pair] > 0)
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
    said = bits_of(ligands, n_pairs)
    level, receptors = _no_levels(speech.roles), np.zeros(n_pairs, np.float32)
    can_hear, shared = np.zeros((2, said.bits.shape[1]), np.uint64), np.empty(said.bits.shape[1], np.uint64)
    heard, further = np.zeros(n_pairs, np.float64), _further_subunits(speech.roles.receptor_begins)
    sender_bounds, pair_bounds = np.zeros(n_cells + 1, np.int64), np.zeros(n_cells + 1, np.int64)
    senders, scores = np.empty(n_neighbours.sum(), np.int32), np.empty(n_neighbours.sum(), np.float32)
    pairs, sums = np.empty(n_cells * n_pairs, np.int32), np.empty(n_cells * n_pairs, np.float32)
    n_senders = n_heard = 0
    for number in range(n_cells):
        position = strip.first + number
        _put(level, speech.genes, position)
        _take_lowest(receptors, level, speech.roles.receptor_begins, speech.roles.receptor_genes, further)
        _note_hearing(receptors, speech.roles.n_far, can_hear)
        _take_back(level, speech.genes, position)
        for row in range(-1, 2):
            first, last = near(places, position, row)
            for other in range(first, last):
                distance = distance_um(places, position, other)
                if other == position or distance > reach.radius_um:
                    continue
                weight = NEAR_UM / max(distance, NEAR_UM)
                hears = can_hear[int(distance > reach.contact_um)]
                score = _hear(
                    said,
                    ligands,
                    other - strip.low,
                    hears,
                    receptors,
                    weight,
                    heard,
                    sent,
                    n_contacts,
                    shared,
                )
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
def _note_hearing(receptors: NDArray[np.float32], n_far: int, can_hear: NDArray[np.uint64]) -> None:
    """Note as bits by which pairs a cell can hear: any, and any that needs no contact."""
    can_hear[:] = 0
    for pair in range(receptors.size):
        hears = np.uint64(receptors[pair] > 0) << np.uint64(pair % WORD)
        can_hear[0, pair // WORD] |= hears
        can_hear[1, pair // WORD] |= hears * np.uint64(pair < n_far)


@njit(cache=True, nogil=True)
def _hear(
    said: Bits,
    ligands: Csr,
    cell: int,
    hears: NDArray[np.uint64],
    receptors: NDArray[np.float32],
    weight: float,
    heard: NDArray[np.float64],
    sent: NDArray[np.float64],
    n_contacts: NDArray[np.int64],
    shared: NDArray[np.uint64],
) -> float:
    """Add up what a cell hears of another one, by all pairs that both have."""
    n_shared = 0
    for word in range(hears.size):
        # Without a branch, which nobody can predict: a third of the words have a pair in common.
        shared[n_shared] = word
        n_shared += int(said.bits[cell, word] & hears[word] != 0)
    score = 0.0
    for number in range(n_shared):
        word = shared[number]
        bits = said.bits[cell, word]
        common = bits & hears[word]
        while common:
            # Unsigned throughout: for others, numba looks at each whether it counts from the end.
            below = ~common & (common - np.uint64(1))
            entry = said.begins[cell, word] + count_bits(bits & below)
            pair = word * np.uint64(WORD) + count_bits(below)
            action = np.float64(ligands.values[entry]) * receptors[pair]
            amount = weight * action / (HALF_SATURATION + action)
            score += amount
            heard[pair] += amount
            sent[entry] += amount
            n_contacts[pair] += 1
            common &= common - np.uint64(1)
    return score


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
def _further_subunits(begins: NDArray[np.int64]) -> NDArray[np.int64]:
    """Name the pair and the place of each subunit but the first of each pair, shape ``(n_subunits, 2)``."""
    n_pairs = begins.size - 1
    found, n_found = np.empty((begins[-1] - n_pairs, 2), np.int64), 0
    for pair in range(n_pairs):
        for place in range(begins[pair] + 1, begins[pair + 1]):
            found[n_found, 0], found[n_found, 1] = pair, place
            n_found += 1
    return found


@njit(cache=True, nogil=True)
def _take_lowest(
    lowest: NDArray[np.float32],
    level: NDArray[np.float32],
    begins: NDArray[np.int64],
    subunits: NDArray[np.int32],
    further: NDArray[np.int64],
) -> None:
    """Note the level of each pair: that of its lowest subunit."""
    for pair in range(lowest.size):
        lowest[pair] = level[subunits[begins[pair]]]
    for number in range(len(further)):
        pair = further[number, 0]
        lowest[pair] = min(lowest[pair], level[subunits[further[number, 1]]])
