"""Records of the cells of a tissue, and what is claimed of their sides."""

from collections.abc import Generator, Iterable, Iterator

import numpy as np
import polars as pl

from c2s_assets.core.columns import SPLIT
from c2s_assets.core.findings import Finding
from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.patches import TISSUE_PATCH
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.core.splits.sides import SIDES

_WAY_OUT = (
    "Cells of two donors lie side by side, or sections too near to each other. Name the section of each as "
    "section_column, or the piece of tissue as tissue_block_column, of spatial in the dataset's entry of "
    "datasets.yaml."
)
_MOST_BLANK = 0.05


def patches_share_no_pixels(sample: SpatialSample, sides: pl.Series) -> Finding:
    """Claim that no pixel of the image is in tissue patches of two sides.

    Parameters
    ----------
    sides
        Of all rows of obs; null on none.
    """
    from scipy.spatial import cKDTree  # noqa: PLC0415  a tenth of a second, of every process

    side = sides.gather(sample.cells)
    window_px = TISSUE_PATCH.um / sample.um_per_px
    places = {name: sample.xy_px[(side == name).fill_null(value=False).to_numpy()] for name in SIDES}
    n_sharing = 0
    for number, name in enumerate(SIDES):
        others = np.concatenate([places[other] for other in SIDES[number + 1 :]] or [np.zeros((0, 2))])
        if len(places[name]) and len(others):
            distance, _ = cKDTree(places[name]).query(others, p=np.inf)
            n_sharing += int((distance < window_px).sum())
    message = "No pixel is in tissue patches of two sides."
    if n_sharing:
        message = f"The tissue patches of {n_sharing:,} cells show what one of another side shows. {_WAY_OUT}"
    return Finding("patches_share_no_pixels", not n_sharing, message, {"n_sharing": n_sharing})


class RecordTally:
    """Collects from written records what their claims are about, block by block.

    Parameters
    ----------
    sides
        Of all rows of obs; null on none.
    n_placed
        Cells that have a place.
    """

    def __init__(self, sides: pl.Series, *, n_placed: int) -> None:
        self._sides, self._n_placed = sides, n_placed
        self._n = dict.fromkeys(SIDES, 0)
        self._n_edges = self._n_across = self._n_blank = self._n_outside = 0

    def passing(self, blocks: Iterable[pl.DataFrame]) -> Generator[pl.DataFrame]:
        """Pass blocks through and collect from each, so that the table is read once."""
        for block in blocks:
            self._add(block)
            yield block

    def _add(self, rows: pl.DataFrame) -> None:
        for side, n in rows[SPLIT].value_counts().iter_rows():
            self._n[side] += n
        edges = rows.select(SPLIT, c.SENDER_INDEX).explode(c.SENDER_INDEX).drop_nulls()
        senders = self._sides.gather(edges[c.SENDER_INDEX])
        self._n_edges += edges.height
        self._n_across += int((edges[SPLIT] != senders).sum())
        self._n_blank += int((rows[c.CELL_IS_BLANK] | rows[c.TISSUE_IS_BLANK]).sum())
        self._n_outside += int((rows[c.TISSUE_INSIDE_FRAC] < 1).sum())

    def claims(self) -> Iterator[Finding]:
        """Judge what was collected, once all of the table was read."""
        yield self.records_match_sides()
        yield self.no_edge_across_sides()
        yield self.patches_are_whole()

    def records_match_sides(self) -> Finding:
        """Claim that every cell on a side has a record there, and no other cell has one."""
        wanted = {side: int((self._sides == side).sum()) for side in SIDES}
        n_all = sum(self._n.values())
        listed = ", ".join(f"{n:,} in {side}" for side, n in self._n.items())
        message = (
            f"{n_all:,} records: {listed}. {self._n_placed - n_all:,} further cells have a place and are on "
            f"no side: between two sides, or left out by the split."
        )
        if wanted != self._n:
            message = f"Records: {listed}, but the split has {wanted}. Build again."
        figures = {**{f"n_{side}": n for side, n in self._n.items()}, "n_on_no_side": self._n_placed - n_all}
        return Finding("records_match_sides", wanted == self._n, message, figures)

    def no_edge_across_sides(self) -> Finding:
        """Claim that no cell hears one of another side."""
        message = f"None of {self._n_edges:,} cells that are heard is on another side than who hears it."
        if self._n_across:
            message = f"{self._n_across:,} of {self._n_edges:,} cells are heard on another side. {_WAY_OUT}"
        return Finding("no_edge_across_sides", not self._n_across, message, {"n_across": self._n_across})

    def patches_are_whole(self) -> Finding:
        """Claim that few patches show nothing or reach beyond the image."""
        n = max(sum(self._n.values()), 1)
        message = (
            f"{self._n_blank / n:.1%} of the records have a patch that shows nothing, and the tissue patches "
            f"of {self._n_outside / n:.1%} reach beyond the image."
        )
        holds = self._n_blank <= _MOST_BLANK * n
        if not holds:
            message += " Leave them out by cell_is_blank and tissue_is_blank."
        figures = {"frac_blank": self._n_blank / n, "frac_beyond": self._n_outside / n}
        return Finding("patches_are_whole", holds, message, figures)


def expression_origin_is_stated(*, layer: str, kind: str) -> Finding:
    """Claim that what the values of expression are is known: counts, or normalised."""
    holds = kind in ("counts", "normalised")
    message = f"Expression is {layer}, which is {kind}."
    if not holds:
        message += " Name a matrix of counts as layer in the dataset's entry of datasets.yaml."
    return Finding("expression_origin_is_stated", holds, message, {"layer": layer, "kind": kind})
