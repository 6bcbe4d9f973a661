"""Tests of how nuclei are measured."""

from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from c2s_assets.core.spatial import morphology

measure_nuclei = partial(morphology.measure_nuclei, um_per_px=0.25)
PINK, PURPLE = (235, 190, 215), (90, 60, 140)


def _patch(*, x_px: float, y_px: float, at: tuple[int, int] = (32, 32)) -> NDArray[np.uint8]:
    """Draw a tissue with an elliptic nucleus of these half axes."""
    pixels = np.full((64, 64, 3), PINK, np.uint8)
    y, x = np.mgrid[:64, :64]
    pixels[((x - at[0]) / x_px) ** 2 + ((y - at[1]) / y_px) ** 2 <= 1] = PURPLE
    return pixels


def test_area_and_shape_are_those_of_the_nucleus_at_the_centre() -> None:
    both = np.maximum(_patch(x_px=10, y_px=10), 0)
    both[:12, :12] = PURPLE  # another one, beside it
    measured = measure_nuclei(np.stack([_patch(x_px=10, y_px=10), _patch(x_px=16, y_px=8), both]))
    assert measured["nucleus_area_um2"].to_list() == pytest.approx(
        [np.pi * 100 / 16, np.pi * 128 / 16, np.pi * 100 / 16], rel=0.03
    )
    assert measured["nucleus_elongation"].to_list() == pytest.approx([1, 2, 1], rel=0.02)
    assert measured["nucleus_stain"][0] == measured["nucleus_stain"][2]


def test_a_darker_nucleus_has_more_stain() -> None:
    pale = _patch(x_px=10, y_px=10)
    pale[(pale == PURPLE).all(axis=-1)] = (150, 120, 190)
    stain = measure_nuclei(np.stack([pale, _patch(x_px=10, y_px=10)]))["nucleus_stain"]
    assert stain[0] < stain[1]


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(_patch(x_px=6, y_px=6, at=(6, 6)), id="no nucleus at the centre"),
        pytest.param(_patch(x_px=40, y_px=10), id="cut off by the edge"),
        pytest.param(_patch(x_px=1, y_px=1), id="too small"),
        pytest.param(_patch(x_px=10, y_px=10)[..., :1].repeat(3, axis=-1), id="grey"),
        pytest.param(np.full((64, 64, 3), PINK, np.uint8), id="one colour"),
    ],
)
def test_what_is_no_nucleus_is_not_measured(patch: NDArray[np.uint8]) -> None:
    assert measure_nuclei(patch[None]).null_count().row(0) == (1, 1, 1)
