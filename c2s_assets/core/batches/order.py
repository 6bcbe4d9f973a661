"""The order in which cells come in an epoch: decided by numbers alone, before anything is read.

Cells that lie together on disk are a block and are read at once. An epoch takes the blocks in random order,
deals them to those who train side by side, and cuts the share of each into windows, as many blocks as memory
holds. The cells of a window are drawn at random, from one window after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import C2SError


@dataclass(frozen=True)
class Blocks:
    """Cells that are read together, one entry per block; every cell is in one.

    Attributes
    ----------
    file, place
        Which file a block is in, and where in it.
    first_cell, n_cells
        Its cells, which are numbered on end over all blocks.
    n_stored
        Values that its file has there, of all cells that lie in it.
    n_bytes
        Memory that its own cells are expected to take.
    """

    file: NDArray[np.int64]
    place: NDArray[np.int64]
    first_cell: NDArray[np.int64]
    n_cells: NDArray[np.int64]
    n_stored: NDArray[np.int64]
    n_bytes: NDArray[np.int64]

    def take(self, chosen: NDArray[np.int64]) -> "Blocks":
        """Choose blocks, in that order."""
        return Blocks(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @property
    def cells(self) -> NDArray[np.int64]:
        """The numbers of all their cells, block by block."""
        ends = np.cumsum(self.n_cells)
        return np.arange(ends[-1]) + np.repeat(self.first_cell - ends + self.n_cells, self.n_cells)


@dataclass(frozen=True)
class Share:
    """One of several equal shares of the cells of an epoch, 0-based."""

    index: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.of:
            raise C2SError(f"there is no share {self.index} of {self.of}: they are 0 to {self.of - 1}.")


@dataclass(frozen=True)
class Epoch:
    """What decides the order of an epoch.

    Attributes
    ----------
    shares
        Which share is taken, and of that again which one: of processes that train side by side, then of the
        workers that read for each of them.
    """

    seed: int
    number: int
    shares: tuple[Share, ...] = ()

    def windows(self, blocks: Blocks, *, n_bytes: int) -> list[NDArray[np.int64]]:
        """Deal the blocks in random order, and cut this share into windows.

        A window is at most so large, but for a block that is larger alone.

        Returns
        -------
        The positions of the blocks of each window.
        """
        order = np.random.default_rng([self.seed, self.number]).permutation(len(blocks.file))
        for share in self.shares:
            order = order[share.index :: share.of]
        starts, taken = [0], 0
        for position, size in enumerate(blocks.n_bytes[order].tolist()):
            if taken and taken + size > n_bytes:
                starts.append(position)
                taken = 0
            taken += size
        return np.split(order, starts[1:]) if len(order) else []

    def draw(self, n_cells: int, *, window: int) -> NDArray[np.int64]:
        """Put the cells of a window in random order; one share alone has that of the whole."""
        shares = [number for share in self.shares if share.of > 1 for number in (share.index, share.of)]
        return np.random.default_rng([self.seed, self.number, window, *shares]).permutation(n_cells)


def next_turns(n_batches: int, *, n_per_worker: Sequence[int]) -> list[tuple[int, int]]:
    """Tell who goes on after so many batches, which are taken from the workers in turn while they have any.

    Returns
    -------
    Each worker with the number of its batches that were taken, in the order in which they come next.
    """
    taken = [0] * len(n_per_worker)
    turn = 0
    while n_batches > 0 and taken != list(n_per_worker):
        if taken[turn] < n_per_worker[turn]:
            taken[turn] += 1
            n_batches -= 1
        turn = (turn + 1) % len(taken)
    return [((turn + k) % len(taken), taken[(turn + k) % len(taken)]) for k in range(len(taken))]
