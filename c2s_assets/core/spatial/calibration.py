"""How many microns a pixel is, found in several ways that should agree."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import SourceError
from c2s_assets.core.findings import Finding

# Spots of Visium lie on a lattice of 100 um: two columns and half a row apart.
SPOTS_UM = (50.0, 50.0 * 3**0.5)
# What scale factors call the diameter of a spot is 65 um, though 55 are printed: on 2,000 real spots the
# lattice says 0.7269 um a pixel, 65 um over the diameter as much, 55 um 0.6150.
_SPOT_UM = 65.0
_LARGEST_DIFFERENCE = 0.03
_FEWEST_SPOTS = 4
# In one direction of the lattice against the other; that of bins taken for that of spots is 1.7.
_MOST_STRETCHED = 1.1
_STATED, _OF_IMAGE = "um_per_unit", "image"
_WAY_OUT = (
    "If only what the image says of itself is wrong, state the right one as um_per_unit of spatial in the "
    "dataset's entry of datasets.yaml, which overrules it; if not, name the image that the positions are of."
)
_OF_POSITIONS = (
    "Correct um_per_unit of spatial in the dataset's entry of datasets.yaml, or, in the h5ad, the positions, "
    "their array_row and array_col or the scale factors, whichever is wrong."
)


@dataclass(frozen=True)
class Calibration:
    """Microns per pixel, by the way that is trusted most.

    Attributes
    ----------
    found
        Microns per pixel by each way that there was: ``um_per_unit``, ``file``, ``lattice``,
        ``spot_diameter``, ``image``.
    """

    um_per_px: float
    method: str
    found: Mapping[str, float]


def calibrate(found: Mapping[str, float | None]) -> Calibration:
    """Take the first of several ways that says something.

    Parameters
    ----------
    found
        Microns per pixel by each way, or None, in the order in which they are trusted.

    Raises
    ------
    SourceError
        If no way says anything, or the trusted one no size.
    """
    known = {method: um for method, um in found.items() if um is not None}
    if not known:
        raise SourceError(
            f"nothing says how many microns a pixel is ({', '.join(found)} were looked for). State it as "
            f"um_per_unit of spatial in the dataset's entry of datasets.yaml."
        )
    method, um_per_px = next(iter(known.items()))
    if not 0 < um_per_px < np.inf:
        raise SourceError(
            f"{method} says that a pixel is {um_per_px:g} um. State um_per_unit of spatial in the dataset's "
            f"entry of datasets.yaml."
        )
    return Calibration(um_per_px, method, known)


def by_lattice(
    xy_px: NDArray[np.float64],
    *,
    column: NDArray[np.int64],
    row: NDArray[np.int64],
    steps_um: tuple[float, float] = SPOTS_UM,
) -> float | None:
    """Fit the lattice of Visium to the pixels of its spots or bins.

    Parameters
    ----------
    xy_px
        Shape ``(n_spots, 2)``.
    column, row
        Of each spot on the lattice, ``array_col`` and ``array_row``.
    steps_um
        From a column to the next one, and from a row.

    Returns
    -------
    Microns per pixel, or None if the spots lie on a line, on another lattice, or are too few.
    """
    if len(xy_px) < _FEWEST_SPOTS:
        return None
    on_slide = np.column_stack([column * steps_um[0], row * steps_um[1], np.ones(len(xy_px))])
    fitted, _, rank, _ = np.linalg.lstsq(on_slide, xy_px, rcond=None)
    area = abs(np.linalg.det(fitted[:2]))
    along = np.linalg.norm(fitted[:2], axis=1)
    if rank < on_slide.shape[1] or area == 0 or along.max() > _MOST_STRETCHED * along.min():
        return None
    return float(area**-0.5)


def by_spot_diameter(diameter_px: float | None) -> float | None:
    """Take the diameter of a spot, in pixels, for 65 um."""
    return None if diameter_px is None or not diameter_px > 0 else _SPOT_UM / diameter_px


def ways_agree(calibration: Calibration) -> Finding:
    """Claim that all ways give the same microns per pixel, within 3 %.

    What is stated overrules what an image says of itself, which whoever saved it again may have lost.
    """
    overruled = {_OF_IMAGE} if _STATED in calibration.found else set()
    ratios = {
        method: um / calibration.um_per_px
        for method, um in calibration.found.items()
        if method not in overruled
    }
    worst = max(ratios, key=lambda method: abs(ratios[method] - 1))
    listing = ", ".join(f"{um:.4g} by {method}" for method, um in calibration.found.items())
    agree = abs(ratios[worst] - 1) <= _LARGEST_DIFFERENCE
    message = f"microns per pixel: {listing}."
    if not agree:
        message += (
            f" They are {abs(ratios[worst] - 1):.0%} apart. Was the image scaled after its spots were found? "
            f"{_WAY_OUT if worst == _OF_IMAGE else _OF_POSITIONS}"
        )
    return Finding("ways_agree", agree, message, dict(calibration.found))
