"""Cells as a mask has them: an image whose pixels have the number of their cell, 0 where there is none."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NOTHING = 0


@dataclass(frozen=True)
class Labels:
    """The cells of a mask, in the order of their numbers.

    Attributes
    ----------
    n_pixels
        Of each, shape ``(n,)``.
    xy
        Middle of its pixels, shape ``(n, 2)``: that of the first pixel of the mask is (0.5, 0.5).
    """

    numbers: NDArray[Any]
    n_pixels: NDArray[np.int64]
    xy: NDArray[np.float64]


def find_labels(blocks: Iterable[tuple[int, int, NDArray[Any]]]) -> Labels:
    """Find the cells of a mask that comes block by block, in any order.

    Parameters
    ----------
    blocks
        Row and column of the first pixel of each, and its pixels.
    """
    found = [_sums(*block) for block in blocks]
    numbers, rows = np.unique(np.concatenate([part[0] for part in found]), return_inverse=True)
    sums = np.concatenate([part[1] for part in found])
    n_pixels, x, y = (np.bincount(rows, column, len(numbers)) for column in sums.T)
    return Labels(numbers, n_pixels.astype(np.int64), np.column_stack([x, y]) / n_pixels[:, None])


def _sums(top: int, left: int, pixels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Sum over the pixels of each cell in a block: how many, and where they lie, shape ``(n, 3)``.

    Pixels of a cell lie side by side: there are far fewer such runs than pixels.
    """
    begins_run = np.ones(pixels.shape, bool)
    begins_run[:, 1:] = pixels[:, 1:] != pixels[:, :-1]
    begins = np.flatnonzero(begins_run)
    lengths = np.diff(begins, append=pixels.size)
    owners = pixels.ravel()[begins]
    is_cell = owners != _NOTHING
    begins, lengths, owners = begins[is_cell], lengths[is_cell], owners[is_cell]
    row, column = np.divmod(begins, pixels.shape[1])
    x, y = left + column + lengths / 2, top + row + 0.5
    numbers, of_run = np.unique(owners, return_inverse=True)
    sums = [np.bincount(of_run, lengths * along, len(numbers)) for along in (1.0, x, y)]
    return numbers, np.column_stack(sums)
