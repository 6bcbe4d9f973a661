"""Tests that exchanged axes are found where an image shows them, and nowhere else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from c2s_assets.core.findings import Finding
from c2s_assets.core.spatial.alignment import SAME, Alignment, parse_alignment
from c2s_assets.core.spatial.orientation import tissue_of, x_and_y_are_not_exchanged
from c2s_assets.core.spatial.spec import Axes

PX = 128
ROW, COLUMN = np.mgrid[:PX, :PX]
GLASS = {"bright": (238, 236, 240), "yellowish": (228, 224, 210), "dark": (6, 4, 9)}
TISSUE = {"bright": (190, 120, 170), "yellowish": (214, 190, 196), "dark": (40, 160, 60)}
seeds = st.integers(0, 2**32 - 1)
slides = st.sampled_from(sorted(GLASS))


def _section(
    mask: NDArray[np.bool_], slide: str, rng: np.random.Generator, *, grain: int = 20
) -> NDArray[np.uint8]:
    """Draw tissue on a slide; it is grained, and the glass hardly."""
    pixels = np.where(mask[..., None], TISSUE[slide], GLASS[slide]).astype(float)
    deviation = np.where(mask[..., None], grain, 2)
    return np.clip(pixels + rng.normal(0, 1, pixels.shape) * deviation, 0, 255).astype(np.uint8)


def _disc(x: float, y: float, radius: float) -> NDArray[np.bool_]:
    return np.asarray((COLUMN - x) ** 2 + (ROW - y) ** 2 < radius**2)


def _cells(within: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
    """Place cells, in an image ten times as large as the slide is shown."""
    row, column = np.nonzero(within)
    chosen = rng.integers(0, len(row), 200)
    return np.column_stack([column[chosen], row[chosen]]) * 10.0 + rng.uniform(0, 10, (200, 2))


def _claim(
    pixels: NDArray[np.uint8],
    cells: NDArray[np.float64],
    *,
    alignment: Alignment = SAME,
    axes: Axes | None = None,
) -> Finding:
    return x_and_y_are_not_exchanged(
        pixels, cells, alignment.exchanged(cells), width=10 * PX, height=10 * PX, axes=axes
    )


@given(slides, seeds, st.floats(12, 30), st.floats(36, 60))
@settings(max_examples=60, deadline=None)
def test_of_a_tissue_beside_the_diagonal_exchanged_axes_are_found_and_right_ones_never(
    slide: str, seed: int, radius: float, aside: float
) -> None:
    rng = np.random.default_rng(seed)
    middle = rng.uniform(radius + aside / 2, PX - radius - aside / 2)
    mask = _disc(middle + aside / 2, middle - aside / 2, radius)
    pixels, cells = _section(mask, slide, rng), _cells(mask, rng)
    overlap = (mask & mask.T).sum() / mask.sum()
    assert _claim(pixels, cells).holds
    found = _claim(pixels, cells[:, ::-1])
    assert found.holds == (overlap > 0.75) or 0.65 < overlap < 0.85
    assert found.figures["frac_on_tissue_exchanged"] > 0.85


@given(slides, seeds, st.integers(0, 6), st.sampled_from([4, 20]), st.tuples(st.booleans(), st.booleans()))
@settings(max_examples=200, deadline=None)
def test_cells_that_lie_on_a_tissue_of_any_shape_are_never_refused(
    slide: str, seed: int, n_pieces: int, grain: int, how: tuple[bool, bool]
) -> None:
    """Without a piece of its own the tissue fills the image; cells are all over it, or in one corner."""
    rng, (is_crowded, has_holes) = np.random.default_rng(seed), how
    mask = np.zeros((PX, PX), bool) if n_pieces else np.ones((PX, PX), bool)
    for _ in range(n_pieces):
        mask |= _disc(*rng.uniform(0, PX, 2), rng.uniform(8, 70))
    if has_holes:
        for _ in range(3):
            mask &= ~_disc(*rng.uniform(0, PX, 2), rng.uniform(4, 40))
    if not mask.any():
        return
    within = mask
    if is_crowded:
        row, column = np.nonzero(mask)
        at = rng.integers(len(row))
        within = mask & _disc(column[at], row[at], 12)
    assert _claim(_section(mask, slide, rng, grain=grain), _cells(within, rng)).holds


def test_pale_tissue_is_no_glass_beside_dark_tissue() -> None:
    """Cells are in the pale part, and the dark one lies where they would with x and y exchanged."""
    rng = np.random.default_rng(0)
    pale, dark = _disc(30, 100, 20), _disc(100, 30, 24)
    pixels = _section(pale, "bright", rng)
    pixels[pale] = (222, 200, 214)
    pixels[dark] = (60, 20, 90)
    assert _claim(pixels, _cells(pale, rng)).holds


def test_what_is_refused_says_what_to_state_and_what_is_stated_is_right() -> None:
    rng, mask = np.random.default_rng(0), _disc(96, 32, 24)
    pixels, cells = _section(mask, "bright", rng), _cells(mask, rng)[:, ::-1]
    found = _claim(pixels, cells)
    assert not found.holds
    assert found.message.startswith("0.0% of 200 cells lie on tissue; 100.0% would if x were y.")
    assert "state axes: yx of spatial" in found.message
    assert found.figures == {
        "frac_on_tissue": 0.0,
        "frac_on_tissue_exchanged": 1.0,
        "axes": "not stated",
    }
    stated = _claim(pixels, cells, axes="xy")
    assert stated.holds
    assert stated.message.endswith("They are taken as datasets.yaml states them, axes: xy.")


def test_of_an_image_that_is_laid_on_positions_these_are_exchanged() -> None:
    """The image lies on its side, so that exchanged positions are mirrored in it."""
    alignment = parse_alignment([[0, 1, 0], [-1, 0, 1280], [0, 0, 1]], source="he.csv")
    rng, mask = np.random.default_rng(0), _disc(32, 32, 24)
    pixels, right = _section(mask, "bright", rng), _cells(mask, rng)
    wrong = alignment.exchanged(right)
    np.testing.assert_allclose(alignment.exchanged(wrong), right)
    assert _claim(pixels, right, alignment=alignment).holds
    assert not _claim(pixels, wrong, alignment=alignment).holds
    assert not _claim(pixels, wrong, alignment=alignment).figures["frac_on_tissue"]


@pytest.mark.parametrize(
    ("edge", "why"),
    [((200, 130, 180), "colour"), (None, "grain")],
    ids=["of one colour, as tissue is", "grained"],
)
def test_where_no_edge_is_glass_nothing_is_told(edge: tuple[int, int, int] | None, why: str) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(90, 250, (PX, PX, 3), dtype=np.uint8)
    if edge is not None:
        pixels[:] = edge
    assert tissue_of(pixels) is None, why
    assert _claim(pixels, rng.uniform(0, 10 * PX, (50, 2))).holds
