"""Outlines of cells: polygons, as long lists of their corners."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.findings import Finding

# In three published sections of Visium HD 2.5, 50.0 and 50.6 % of the polygons had no bin.
_MOST_WITHOUT_BIN = 0.05


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

    @classmethod
    def joined(cls, parts: "Sequence[Outlines]") -> "Outlines":
        """Put several one after the other."""
        lengths = np.concatenate([np.diff(part.begins) for part in parts])
        begins = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return cls(begins, np.concatenate([part.xy for part in parts]))

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


def cells_have_outlines(outlines: Outlines | None, *, n_cells: int) -> Finding:
    """Claim that every cell has an outline, if the file has any."""
    n_with = 0 if outlines is None else int((np.diff(outlines.begins) > 0).sum())
    message = f"{n_with:,} of {n_cells:,} cells have an outline."
    if outlines is None:
        message = "the file has no outlines of cells."
    return Finding("cells_have_outlines", n_with in (0, n_cells), message, {"n_outlines": n_with})


def outlines_have_bins(bins: Mapping[str, Any]) -> Finding:
    """Claim that bins lie in nearly all outlines, if cells were made of bins.

    Parameters
    ----------
    bins
        What was counted when they were: see `cells_of_bins`; empty if they were not.
    """
    n_outlines, n_without, n_bins, n_inside, n_several = (
        bins.get(name, 0)
        for name in (
            "n_outlines",
            "n_outlines_without_bin",
            "n_bins",
            "n_bins_in_a_cell",
            "n_bins_in_several",
        )
    )
    if not n_outlines or not n_bins:
        return Finding("outlines_have_bins", holds=True, message="cells were not made of bins.")
    few = n_without <= _MOST_WITHOUT_BIN * n_outlines
    message = (
        f"outlines of {bins.get('outlines')}: {n_without:,} of {n_outlines:,} ({n_without / n_outlines:.1%}) "
        f"have no bin and became no cell. Of {n_bins:,} bins {n_inside / n_bins:.1%} lie in a cell, "
        f"{n_several / n_bins:.1%} in several."
    )
    if not few:
        message += " Are the outlines those of this section, in pixels of the same image?"
    figures = {name: count for name, count in bins.items() if isinstance(count, int)}
    return Finding("outlines_have_bins", few, message, figures)
