"""Tests of cells that a mask has."""

import numpy as np
import pytest

from c2s_assets.core.spatial.masks import find_labels

MASK = np.array(
    [
        [0, 7, 7, 0, 0],
        [0, 7, 0, 0, 4_000_000_000],
        [3, 0, 7, 3, 3],
    ],
    dtype=np.uint32,
)


@pytest.mark.parametrize("side", [1, 2, 3, 5])
def test_cells_lie_in_the_middle_of_their_pixels_however_these_are_read(side: int) -> None:
    blocks = [
        (top, left, MASK[top : top + side, left : left + side])
        for top in range(0, 3, side)
        for left in range(0, 5, side)
    ]
    found = find_labels(blocks[::-1])
    assert found.numbers.tolist() == [3, 7, 4_000_000_000]
    assert found.n_pixels.tolist() == [3, 4, 1]
    middles = [[(0.5 + 3.5 + 4.5) / 3, 2.5], [8 / 4, (0.5 * 2 + 1.5 + 2.5) / 4], [4.5, 1.5]]
    np.testing.assert_allclose(found.xy, middles)


def test_an_empty_mask_has_no_cells() -> None:
    assert len(find_labels([(0, 0, np.zeros((3, 4), np.int16))]).numbers) == 0
