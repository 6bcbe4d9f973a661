"""The cells of a tissue: where they lie, in microns, and in which section."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.errors import SourceError
from c2s_assets.core.findings import Finding
from c2s_assets.core.spatial.alignment import SAME, Alignment
from c2s_assets.core.spatial.calibration import Calibration
from c2s_assets.core.spatial.roles import Reach
from c2s_assets.core.spatial.spec import Unit

# As far as the published Cell-NET records and CellChat go, which takes 250; and cells that touch. Of spots,
# each of several cells, neighbours touch. They lie 100 um apart, so that six lie at 100 and six at 200 um:
# 5 um more, or the rounding of pixels would decide about these.
_CELLS_REACH = Reach(radius_um=200.0, contact_um=10.0)
_SPOTS_REACH = Reach(radius_um=205.0, contact_um=105.0)
_ONE_SECTION = "section"


@dataclass(frozen=True)
class SpatialSample:
    """Cells that have a place.

    Attributes
    ----------
    cells
        Their rows in obs, ascending, shape ``(n_cells,)``.
    xy_um
        Microns, x to the right and y down as in an image, shape ``(n_cells, 2)``.
    xy_px
        Pixels of the image; without one, the file's own unit.
    section
        Which of `sections` each is in.
    um_per_px
        Of the image; without one, as the calibration, which is of the file's own unit.
    n_obs
        Rows of obs, with those that have none.
    alignment
        Of positions and image.
    technology
        What it was measured with, if the file says so.
    """

    cells: NDArray[np.int64]
    xy_um: NDArray[np.float64]
    xy_px: NDArray[np.float64]
    section: NDArray[np.int32]
    sections: list[str]
    unit: Unit
    calibration: Calibration
    um_per_px: float
    n_obs: int
    alignment: Alignment = SAME
    technology: str | None = None

    def between(self, start: int, stop: int) -> tuple[NDArray[np.bool_], slice]:
        """Say which rows of obs from ``start`` to ``stop`` have a place, and which cells these are."""
        stop = min(stop, self.n_obs)
        first, last = np.searchsorted(self.cells, [start, stop])
        has_place = np.zeros(stop - start, bool)
        has_place[self.cells[first:last] - start] = True
        return has_place, slice(first, last)

    def in_all_rows(self, values: pl.DataFrame) -> pl.DataFrame:
        """Give what is known of each cell its row of obs; null where there is no cell."""
        numbered = values.with_columns(pl.Series("row", self.cells, dtype=pl.Int64))
        rows = pl.DataFrame({"row": pl.int_range(self.n_obs, eager=True)})
        return rows.join(numbered, on="row", how="left", maintain_order="left").drop("row")

    def places_apart(self, distance_um: float) -> NDArray[np.float64]:
        """Lay sections side by side, at least so far apart: microns in which no two of them are near."""
        extent = float(np.ptp(self.xy_um, axis=0).max()) + 2 * distance_um
        return self.xy_um + np.column_stack([self.section * extent, np.zeros(len(self.section))])

    @property
    def exchanged_px(self) -> NDArray[np.float64]:
        """Where in the image they would lie if x and y of the positions were exchanged."""
        return self.alignment.exchanged(self.xy_px)

    @property
    def reach(self) -> Reach:
        """How far its cells are heard."""
        return _SPOTS_REACH if self.unit == "spot" else _CELLS_REACH


def place_cells(
    positions: NDArray[np.float64],
    *,
    calibration: Calibration,
    unit: Unit,
    labels: pl.Series | None = None,
    in_tissue: pl.Series | None = None,
    alignment: Alignment = SAME,
    technology: str | None = None,
) -> SpatialSample:
    """Place the cells that lie in the tissue, in microns from the corner of what there is.

    Parameters
    ----------
    positions
        In the file's unit, shape ``(n_obs, 2)``; NaN where there is none.
    labels
        Section of each cell; those without one are left out. All are of one section if None.
    in_tissue
        1 where a spot lies in the tissue, as Space Ranger says; all do if None.
    alignment
        Of positions and image.

    Raises
    ------
    SourceError
        If no cell has a place.
    """
    is_placed = np.isfinite(positions).all(axis=1)
    if in_tissue is not None:
        is_placed &= in_tissue.cast(pl.Float64, strict=False).fill_null(0).to_numpy() == 1
    if labels is None:
        labels = pl.repeat(_ONE_SECTION, len(positions), eager=True)
    is_placed &= labels.is_not_null().to_numpy()
    cells = np.flatnonzero(is_placed)
    if not len(cells):
        raise SourceError(
            f"none of the {len(positions):,} cells has a place in the tissue. Name the array of obsm with "
            f"the positions as coordinates of spatial in the dataset's entry of datasets.yaml."
        )
    placed = positions[cells]
    names = labels.gather(cells)
    sections = names.unique().sort()
    codes = names.replace_strict(sections, pl.arange(len(sections), eager=True), return_dtype=pl.Int32)
    return SpatialSample(
        cells=cells,
        xy_um=(placed - placed.min(axis=0)) * calibration.um_per_px,
        xy_px=alignment.pixels(placed),
        alignment=alignment,
        section=codes.to_numpy(),
        sections=sections.to_list(),
        unit=unit,
        calibration=calibration,
        um_per_px=calibration.um_per_px / alignment.px_per_unit,
        n_obs=len(positions),
        technology=technology,
    )


def cells_have_places(sample: SpatialSample) -> Finding:
    """Claim that all cells lie in the tissue, and no two at the same place."""
    n_without = sample.n_obs - len(sample.cells)
    places = np.column_stack([sample.section, sample.xy_um])
    n_same = len(places) - len(np.unique(places, axis=0))
    message = f"{len(sample.cells):,} of {sample.n_obs:,} cells lie in {len(sample.sections):,} sections."
    if n_without:
        message += f" {n_without:,} have no place in the tissue, and no neighbours."
    if n_same:
        message += f" {n_same:,} lie where another one does: are the positions those of the cells?"
    return Finding(
        "cells_have_places",
        not n_without and not n_same,
        message,
        {"n_without": n_without, "n_same_place": n_same, "unit": sample.unit},
    )
