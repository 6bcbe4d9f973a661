"""Whether x and y of the cells are exchanged, told by where the image shows tissue."""

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.findings import Finding
from c2s_assets.core.spatial.patches import FEWEST_INSIDE, share_inside
from c2s_assets.core.spatial.spec import Axes
from c2s_assets.core.spatial.thresholds import LEVELS, otsu

# Wide as a part of the thumbnail's edge: slides have glass there.
_EDGE_PX = 4
# Of 255, between a pixel and the colour of the edge: glass has hardly any colour, and most of it is alike. An
# edge of tissue would make tissue the background, and holes of it the tissue.
_MOST_COLOUR, _MOST_APART = 30, 8
# Glass of a real slide in dim light is 128, what does not fluoresce hardly more than 0.
_BRIGHT = 64
# All that is further from the glass is tissue, however dark: the darkest must not make pale tissue glass.
_SURELY_TISSUE = LEVELS // 2
_MOSTLY_ON_TISSUE, _CLEARLY_MORE = 0.8, 0.2


def edge_colour(slide: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the colour of most of a slide's edge, shape ``(3,)``."""
    found: NDArray[np.float64] = np.median(_edge(slide), axis=0)
    return found


def tissue_of(slide: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Tell tissue from the empty slide around it, shape ``(height, width)``; None if no edge is seen empty.

    What is darker than the edge by more than Otsu's threshold is tissue; on a dark slide, what is brighter.
    """
    glass = edge_colour(slide)
    if np.ptp(glass) > _MOST_COLOUR or np.median(np.abs(_edge(slide) - glass).max(axis=-1)) > _MOST_APART:
        return None
    apart = (glass - slide if glass.mean() > _BRIGHT else slide - glass).max(axis=-1)
    level = np.clip(apart, 0, _SURELY_TISSUE - 1).astype(np.int64) * 2
    found: NDArray[np.bool_] = level > otsu(level[None])[0]
    return found


def x_and_y_are_not_exchanged(
    slide: NDArray[np.uint8],
    xy_px: NDArray[np.float64],
    exchanged_px: NDArray[np.float64],
    *,
    width: int,
    height: int,
    axes: Axes | None,
) -> Finding:
    """Claim that cells do not lie beside the tissue while, with x and y exchanged, they would lie on it.

    Parameters
    ----------
    slide
        The whole image, small.
    xy_px, exchanged_px
        Of the cells, in pixels of the image, as they are and with x and y exchanged.
    width, height
        Of the image.
    axes
        The order that is stated, which is right whatever the image shows.
    """
    claim, tissue = "x_and_y_are_not_exchanged", tissue_of(slide)
    if tissue is None:
        return Finding(
            claim, True, "the edge of the image shows no empty slide, so that tissue is not told from it."
        )
    ways = (xy_px, exchanged_px)
    given, exchanged = (_share_on(tissue, places, width=width, height=height) for places in ways)
    inside = min(share_inside(places, width=width, height=height) for places in ways)
    is_likely = (
        inside >= FEWEST_INSIDE and exchanged >= _MOSTLY_ON_TISSUE and exchanged - given >= _CLEARLY_MORE
    )
    message = f"{given:.1%} of {len(xy_px):,} cells lie on tissue; {exchanged:.1%} would if x were y."
    if is_likely and axes is not None:
        message += f" They are taken as datasets.yaml states them, axes: {axes}."
    elif is_likely:
        message += (
            " If the first column of the positions is y, state axes: yx of spatial in the dataset's entry of "
            "datasets.yaml; if they are right and the image is as well, state axes: xy."
        )
    figures = {"frac_on_tissue": given, "frac_on_tissue_exchanged": exchanged, "axes": axes or "not stated"}
    return Finding(claim, not is_likely or axes is not None, message, figures)


def _edge(slide: NDArray[np.uint8]) -> NDArray[np.uint8]:
    edges = (slide[:_EDGE_PX], slide[-_EDGE_PX:], slide[:, :_EDGE_PX], slide[:, -_EDGE_PX:])
    return np.concatenate([edge.reshape(-1, 3) for edge in edges])


def _share_on(tissue: NDArray[np.bool_], xy_px: NDArray[np.float64], *, width: int, height: int) -> float:
    n_rows, n_columns = tissue.shape
    column, row = np.floor(xy_px * (n_columns / width, n_rows / height)).astype(np.int64).T
    is_inside = (column >= 0) & (column < n_columns) & (row >= 0) & (row < n_rows)
    return float(tissue[row[is_inside], column[is_inside]].sum() / len(xy_px))
