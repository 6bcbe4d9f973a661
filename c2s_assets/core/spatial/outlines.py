"""Outlines of cells: polygons, as long lists of their corners."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Outlines:
    """Polygons, one after the other; one may have no corner.

    Attributes
    ----------
    begins
        Where the corners of each begin, shape ``(n_cells + 1,)``.
    xy
        Corners in order, the first not repeated, shape ``(n_corners, 2)``.
    """

    begins: NDArray[np.int64]
    xy: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.begins) - 1

    def taken(self, rows: NDArray[np.int64]) -> "Outlines":
        """Take some, in this order; a negative row stands for one without corners."""
        lengths = np.where(rows < 0, 0, np.diff(self.begins)[rows])
        begins = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(begins[-1]) - np.repeat(begins[:-1], lengths)
        return Outlines(begins, self.xy[np.repeat(self.begins[:-1][rows], lengths) + within])

    def areas_and_centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Compute area and centre of mass of each, ``(n,)`` and ``(n, 2)``: 0 and NaN if it is no polygon."""
        owner = np.repeat(np.arange(len(self)), np.diff(self.begins))
        # Relative to one corner of each: products of coordinates of a slide lose the digits that matter.
        origin = np.full((len(self), 2), np.nan)
        has_corners = np.diff(self.begins) > 0
        origin[has_corners] = self.xy[self.begins[:-1][has_corners]]
        x, y = (self.xy - origin[owner]).T
        following = np.arange(1, len(self.xy) + 1)
        following[self.begins[1:][has_corners] - 1] = self.begins[:-1][has_corners]
        cross = x * y[following] - x[following] * y
        twice = np.bincount(owner, cross, len(self))
        with np.errstate(invalid="ignore", divide="ignore"):
            centres = np.column_stack(
                [
                    np.bincount(owner, (along + along[following]) * cross, len(self)) / (3 * twice)
                    for along in (x, y)
                ]
            )
        return np.abs(twice) / 2, centres + origin
