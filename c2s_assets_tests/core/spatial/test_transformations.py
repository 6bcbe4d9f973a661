"""Tests of how elements of a SpatialData store lie in its coordinate systems."""

from typing import Any

import numpy as np
import pytest

from c2s_assets.core.errors import SourceError
from c2s_assets.core.spatial.transformations import choose_systems, read_transformations, transformed
from c2s_assets_tests.spatial_stores import affine, lies, moved, one_after_the_other, scaled

POINTS = np.array([[1.0, 2.0], [10.0, 0.0]])
TURN = affine([[0, -1, 5], [1, 0, 7]])
OF_IMAGE = affine([[1, 0, 0, 0], [0, 3, 0, 2], [0, 0, 2, 1]], axes="cyx")
HALVES = {
    "type": "byDimension",
    "transformations": [
        {"input": {"axes": [{"name": "x"}]}, "output": {"axes": [{"name": "x"}]}, **scaled(2)},
        {"input": {"axes": [{"name": "y"}]}, "output": {"axes": [{"name": "y"}]}, **moved(5)},
    ],
}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (lies(), [[1, 2], [10, 0]]),
        (lies(scaled(2, 3)), [[2, 6], [20, 0]]),
        (lies(scaled(1, 3, 2), axes="cyx"), [[2, 6], [20, 0]]),
        (lies(moved(5, -1)), [[6, 1], [15, -1]]),
        (lies(TURN), [[3, 8], [5, 17]]),
        (lies({"type": "affine", "affine": [[0, -1, 5], [1, 0, 7], [0, 0, 1]]}), [[3, 8], [5, 17]]),
        (lies(OF_IMAGE, axes="cyx"), [[3, 8], [21, 2]]),
        (lies({"type": "rotation", "rotation": [0, -1, 1, 0]}), [[-2, 1], [0, 10]]),
        (lies({"type": "mapAxis", "mapAxis": {"x": "y", "y": "x"}}), [[2, 1], [0, 10]]),
        (lies({"type": "mapAxis", "mapAxis": {"x": "y", "y": "x"}}, axes="cyx"), [[2, 1], [0, 10]]),
        (lies(one_after_the_other(scaled(2, 2), TURN, moved(1, 0))), [[2, 9], [6, 27]]),
        (lies(one_after_the_other(moved(1, 0), one_after_the_other(scaled(2, 2)))), [[4, 4], [22, 0]]),
        (lies(HALVES), [[2, 7], [20, 5]]),
    ],
    ids=[
        "identity",
        "scale",
        "scale of an image",
        "translation",
        "affine",
        "affine with its last row",
        "affine of an image",
        "rotation",
        "axes exchanged",
        "axes of an image exchanged",
        "sequence",
        "sequence in a sequence",
        "by dimension",
    ],
)
def test_points_lie_where_the_transformation_puts_them(said: Any, found: list[list[float]]) -> None:
    np.testing.assert_allclose(transformed(POINTS, read_transformations([said], source="x")["global"]), found)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ([lies({"type": "displacements"})], "no transformation of type 'displacements' is known"),
        ([lies({"type": "scale"})], "has a transformation that cannot be read"),
        ([lies(affine([[1, 0], [0, 1]]))], r"a matrix of shape \(2, 2\) does not lead from \['x', 'y'\]"),
        ([lies(scaled(1, 0))], "on a line or a point of the coordinate system 'global'"),
        ([lies(scaled(1, float("nan")))], "on a line or a point"),
        ([7], "has a transformation that cannot be read"),
        (None, "has a transformation that cannot be read"),
    ],
)
def test_what_cannot_be_followed_is_named(said: Any, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_transformations(said, source="shapes/cells")


def test_what_leads_into_no_system_with_a_name_is_passed_over() -> None:
    assert read_transformations([{"type": "scale", "scale": [1, 1, 1]}], source="an image") == {}


def _systems(**scales: float) -> dict[str, Any]:
    said = [lies(scaled(by, by), system=name) for name, by in scales.items()]
    return read_transformations(said, source="x")


@pytest.mark.parametrize(
    ("known", "chosen"),
    [
        ({"a": _systems(b=2, **{"global": 3})}, {"a": "global"}),
        ({"a": _systems(um=2, px=1), "b": _systems(um=3)}, {"a": "um", "b": "um"}),
        ({"a": _systems(full=1, hires=0.1, lowres=0.01)}, {"a": "full"}),
        ({"a": _systems(one=2), "b": _systems(two=2)}, {"a": "one", "b": "two"}),
        ({"a": _systems(one=1, small=0.1), "b": _systems(two=2)}, {"a": "one", "b": "two"}),
    ],
    ids=["global", "the only common one", "the one without scale", "one each", "one each, without scale"],
)
def test_the_system_that_is_meant_is_chosen(known: Any, chosen: dict[str, str]) -> None:
    assert choose_systems(known) == chosen


@pytest.mark.parametrize("known", [{"a": _systems(one=2, two=3)}, {"a": _systems(), "b": _systems(one=1)}])
def test_a_system_is_asked_for_where_nothing_says_it(known: Any) -> None:
    with pytest.raises(SourceError, match=r"a is in the coordinate systems .*a transformation to 'global'"):
        choose_systems(known)
