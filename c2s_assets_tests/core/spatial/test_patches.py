"""Tests of which part of an image belongs to a cell."""

import numpy as np
import pytest

from c2s_assets.core.spatial.patches import (
    CELL_PATCH,
    TISSUE_PATCH,
    cells_lie_in_the_image,
    is_blank,
    patches_show_something,
    pixels_are_fine_enough,
    slide_is_not_blank,
    squares_around,
)

CELLS = np.array([[50.0, 40.0], [0.0, 0.0], [99.0, 79.0]])


def test_a_square_is_as_many_microns_in_every_sample() -> None:
    fine, coarse = (squares_around(CELLS, CELL_PATCH, um_per_px=um) for um in (0.25, 0.5))
    assert (fine.side, coarse.side) == (64, 32)
    assert (fine.left[0], fine.top[0]) == (18, 8)
    assert squares_around(CELLS, TISSUE_PATCH, um_per_px=0.5).side == 400


def test_what_of_a_square_is_in_the_image_is_told() -> None:
    inside = squares_around(CELLS, CELL_PATCH, um_per_px=1.0).inside(width=100, height=80)
    np.testing.assert_allclose(inside, [1, 0.25, 9 / 16 * 9 / 16])


def test_cells_outside_the_image_are_told_and_exchanged_axes_too() -> None:
    exchanged = CELLS[:, ::-1]
    assert cells_lie_in_the_image(CELLS, exchanged, width=100, height=80).holds
    outside = cells_lie_in_the_image(CELLS * 10, exchanged * 10, width=100, height=80)
    assert not outside.holds
    assert outside.message.startswith(
        "33.3% of 3 cells lie in the image of 100 x 80 pixels. They reach from 0 to 990 x 0 to 790. Name the"
    )
    for axes, fitting in ((None, "yx"), ("xy", "yx"), ("yx", "xy")):
        found = cells_lie_in_the_image(exchanged, CELLS, width=100, height=80, axes=axes)
        assert not found.holds
        assert f"With x and y exchanged 100.0% would: state axes: {fitting} of spatial" in found.message


@pytest.mark.parametrize(("um_per_px", "is_fine"), [(0.25, True), (1.0, True), (4.8, False)])
def test_a_pixel_must_be_smaller_than_a_cell(um_per_px: float, is_fine: bool) -> None:
    found = pixels_are_fine_enough(um_per_px)
    assert found.holds is is_fine
    assert is_fine or "A cell of 10 um is 2.1 of them, and it takes at least 10. Name" in found.message


def test_what_is_of_one_colour_is_blank() -> None:
    white = np.full((8, 8, 3), 240, np.uint8)
    assert is_blank(white)
    assert not is_blank(np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8))
    found = slide_is_not_blank(white)
    assert not found.holds
    assert found.message.startswith("the image is of one colour, (240, 240, 240) of 255. Was it exported")


@pytest.mark.parametrize("row", [0, 4])
@pytest.mark.parametrize(("value", "is_one"), [(239, True), (255, True), (180, False), (0, False)])
def test_a_row_of_another_colour_shows_something_if_it_differs_enough(
    row: int, value: int, is_one: bool
) -> None:
    """One row in 64 that differs by d is a deviation of 0.124 d, of which two levels show something."""
    patch = np.full((64, 64, 3), 240, np.uint8)
    patch[row] = value
    assert is_blank(patch) is is_one
    assert is_one is bool(patch.reshape(-1, 3).std(axis=0).max() < 2.0)


def test_black_tiles_are_named() -> None:
    assert patches_show_something(0, 9, set()).holds
    found = patches_show_something(2, 9, {(0, 3, 1)})
    assert not found.holds
    assert found.message.startswith("7 of 9 cells have a patch that shows something. 1 tiles are black")
    assert "(3, 1) of level 0" in found.message
