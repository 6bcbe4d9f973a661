"""Which part of an image belongs to a cell, and whether something is to be seen there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.findings import Finding
from c2s_assets.core.spatial.spec import Axes, Scale

# A patch with coarser pixels shows a tissue, and no cell: 64 of them are 64 um.
COARSEST_UM_PER_PX = 1.0
# Of the values of an empty patch; those of tissue differ by 20 and more.
_BLANK_DEVIATION = 2.0
# One row of so many is looked at first.
_ROWS_PER_LOOK = 8
FEWEST_INSIDE = 0.99


@dataclass(frozen=True)
class PatchSize:
    """A square around a cell: how wide it is in the tissue, and of how many pixels."""

    um: float
    px: int

    @property
    def um_per_px(self) -> float:
        """How large its pixels are."""
        return self.um / self.px


# 0.25 um a pixel in every sample, so that one model sees all of them alike; and what is within 100 um.
CELL_PATCH, TISSUE_PATCH = PatchSize(16.0, 64), PatchSize(200.0, 224)
# Whole slides are shown this long.
SLIDE_PX = 512


@dataclass(frozen=True)
class Squares:
    """The same square around each of some cells, in pixels of the image.

    Attributes
    ----------
    left, top
        Corners, shape ``(n_cells,)``.
    side
        Of all of them.
    """

    left: NDArray[np.float64]
    top: NDArray[np.float64]
    side: float

    def inside(self, *, width: int, height: int) -> NDArray[np.float64]:
        """Tell how much of each square is in the image, from 0 to 1."""
        across = np.minimum(self.left + self.side, width) - np.maximum(self.left, 0)
        down = np.minimum(self.top + self.side, height) - np.maximum(self.top, 0)
        found: NDArray[np.float64] = np.clip(across, 0, None) * np.clip(down, 0, None) / self.side**2
        return found


def squares_around(xy_px: NDArray[np.float64], size: PatchSize, *, um_per_px: float) -> Squares:
    """Lay a square around each cell, which is its centre; pixels that need not be resampled are whole.

    Parameters
    ----------
    xy_px
        Of the cells, in pixels of the image, shape ``(n_cells, 2)``.
    """
    side = size.um / um_per_px
    corners = xy_px - side / 2
    left, top = (np.round(corners) if side == size.px else corners).T
    return Squares(left, top, side)


def cell_patch_size(scale: Scale, *, um_per_px: float) -> PatchSize:
    """Say how wide the patch of a cell is, of an image with pixels of this size."""
    return CELL_PATCH if scale == "fixed" else PatchSize(CELL_PATCH.px * um_per_px, CELL_PATCH.px)


def is_blank(patch: NDArray[np.uint8]) -> bool:
    """Whether a patch is of one colour, or nearly so."""
    # Squared deviations of all pixels are at least those of a part of them: of most, the part is enough.
    part = patch[::_ROWS_PER_LOOK]
    if part.size * _variance(part) >= patch.size * _BLANK_DEVIATION**2:
        return False
    return _variance(patch) < _BLANK_DEVIATION**2


def _variance(patch: NDArray[np.uint8]) -> float:
    """Return the variance of the channel that has most."""
    channels = np.ascontiguousarray(patch.reshape(-1, patch.shape[-1]).T)
    return float(channels.var(axis=1).max())


def share_inside(xy_px: NDArray[np.float64], *, width: int, height: int) -> float:
    """Return the share of cells that lie in an image of this size."""
    x, y = xy_px.T
    return float(((x >= 0) & (x < width) & (y >= 0) & (y < height)).mean())


def cells_lie_in_the_image(
    xy_px: NDArray[np.float64],
    exchanged_px: NDArray[np.float64],
    *,
    width: int,
    height: int,
    axes: Axes | None = None,
) -> Finding:
    """Claim that the image shows the cells; if it would with x and y exchanged, say so.

    Parameters
    ----------
    xy_px, exchanged_px
        Of the cells, in pixels of the image, as they are and with x and y exchanged.
    axes
        The order of the columns of the positions that is stated.
    """
    inside = share_inside(xy_px, width=width, height=height)
    message = f"{inside:.1%} of {len(xy_px):,} cells lie in the image of {width:,} x {height:,} pixels."
    if inside < FEWEST_INSIDE:
        exchanged = share_inside(exchanged_px, width=width, height=height)
        reach = " x ".join(f"{low:,.0f} to {high:,.0f}" for low, high in zip(*_extent(xy_px), strict=True))
        message += f" They reach from {reach}."
        message += (
            f" With x and y exchanged {exchanged:.1%} would: state axes: {'xy' if axes == 'yx' else 'yx'} of "
            f"spatial in the dataset's entry of datasets.yaml."
            if exchanged >= FEWEST_INSIDE
            else " Name the image that the positions are pixels of as image of spatial in the dataset's "
            "entry of datasets.yaml."
        )
    return Finding("cells_lie_in_the_image", inside >= FEWEST_INSIDE, message, {"frac_inside": inside})


def pixels_are_fine_enough(um_per_px: float) -> Finding:
    """Claim that a cell can be seen in the image."""
    is_fine = um_per_px <= COARSEST_UM_PER_PX
    message = f"a pixel is {um_per_px:.3g} um."
    if not is_fine:
        message += (
            f" A cell of 10 um is {10 / um_per_px:.1f} of them, and it takes at least "
            f"{10 / COARSEST_UM_PER_PX:.0f}. Name the full-resolution image as image of spatial in the "
            f"dataset's entry of datasets.yaml."
        )
    return Finding("pixels_are_fine_enough", is_fine, message, {"um_per_px": um_per_px})


def slide_is_not_blank(slide: NDArray[np.uint8]) -> Finding:
    """Claim that the image as a whole shows something."""
    blank = is_blank(slide)
    message = "the image shows something."
    if blank:
        colour = ", ".join(str(round(value)) for value in slide.reshape(-1, 3).mean(axis=0))
        message = (
            f"the image is of one colour, ({colour}) of 255. Was it exported without its pixels? Name "
            f"another one as image of spatial in the dataset's entry of datasets.yaml."
        )
    return Finding("slide_is_not_blank", not blank, message)


def patches_show_something(
    n_blank: int, n_cells: int, black: set[tuple[int, int, int]], *, most_named: int = 5
) -> Finding:
    """Claim that no patch is empty, and no tile of the image black."""
    message = f"{n_cells - n_blank:,} of {n_cells:,} cells have a patch that shows something."
    if black:
        named = ", ".join(
            f"({row}, {column}) of level {level}" for level, row, column in sorted(black)[:most_named]
        )
        message += (
            f" {len(black):,} tiles are black, as one that was not decoded is: {named}. Write the image anew "
            f"from the microscope's file."
        )
    figures = {"n_blank": n_blank, "n_black_tiles": len(black)}
    return Finding("patches_show_something", not n_blank and not black, message, figures)


def _extent(xy_px: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    return xy_px.min(axis=0).tolist(), xy_px.max(axis=0).tolist()
