"""Tests of how positions become pixels of an image."""

import numpy as np
import pytest

from c2s_assets.core.errors import ConfigError
from c2s_assets.core.spatial.alignment import SAME, parse_alignment, scaled_by

# An H&E that was laid on its side, mirrored and has larger pixels, as Xenium Explorer writes it.
TURNED = ((0.0, 1.25, 800.0), (-1.25, 0.0, 7300.0), (0.0, 0.0, 1.0))


def test_positions_become_the_pixels_that_the_matrix_turns_into_them() -> None:
    pixels = np.array([[0.0, 0.0], [100.0, 0.0], [40.0, 400.0]])
    positions = np.column_stack([800 + 1.25 * pixels[:, 1], 7300 - 1.25 * pixels[:, 0]])
    alignment = parse_alignment(TURNED, source="he.csv")
    np.testing.assert_allclose(alignment.pixels(positions), pixels, atol=1e-9)
    assert alignment.px_per_unit == pytest.approx(0.8)


def test_an_image_of_another_size_is_only_scaled() -> None:
    positions = np.array([[100.0, 20.0]])
    assert scaled_by(0.15).pixels(positions).tolist() == [[15.0, 3.0]]
    assert SAME.pixels(positions).tolist() == positions.tolist()
    assert (scaled_by(0.15).px_per_unit, SAME.px_per_unit) == (pytest.approx(0.15), 1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (((1, 2, 0), (2, 4, 0), (0, 0, 1)), r"he\.csv lays the whole image on a line or a point"),
        (((0, 0, 5), (0, 0, 5), (0, 0, 1)), "it is singular"),
        (((1, 0, 0), (0, 1, 0), (0.001, 0, 1)), r"ends with the row 0\.001, 0, 1"),
        (((1, 0, float("nan")), (0, 1, 0), (0, 0, 1)), "0, 0, 1. Export it again"),
        (((1, 0), (0, 1)), "no matrix of 3 x 3 numbers"),
        ((), "no matrix of 3 x 3 numbers"),
    ],
)
def test_what_is_no_alignment_is_refused_with_the_setting(
    rows: tuple[tuple[float, ...], ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        parse_alignment(rows, source="he.csv")
    assert "name it as alignment of spatial" in str(raised.value)
