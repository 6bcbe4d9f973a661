"""Tests of points and polygons as GeoParquet keeps them."""

import struct
from collections.abc import Sequence

import numpy as np
import pytest

from c2s_assets.core.spatial.geometries import POINT, POLYGON, read_geometry

Ring = Sequence[Sequence[float]]
LARGE: Ring = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
SMALL: Ring = [[1, 1], [2, 1], [1, 2], [1, 1]]


def _polygon(*rings: Ring, order: str = "<", code: int = 3, reference: bytes = b"") -> bytes:
    head = struct.pack(f"{order}BI", order == "<", code) + reference + struct.pack(f"{order}I", len(rings))
    return head + b"".join(
        struct.pack(f"{order}I", len(ring)) + b"".join(struct.pack(f"{order}{len(xy)}d", *xy) for xy in ring)
        for ring in rings
    )


def _with(ring: Ring, *further: float) -> Ring:
    return [[*xy, *further] for xy in ring]


def _pieces(*polygons: bytes) -> bytes:
    return struct.pack("<BII", 1, 6, len(polygons)) + b"".join(polygons)


@pytest.mark.parametrize(
    "data",
    [
        _polygon(LARGE),
        _polygon(LARGE, SMALL),
        _polygon(LARGE, order=">"),
        _polygon(_with(LARGE, 9), code=1003),
        _polygon(_with(LARGE, 9, 8), code=3003),
        _polygon(_with(LARGE, 9), code=3 | 0x80000000),
        _polygon(LARGE, code=3 | 0x20000000, reference=struct.pack("<I", 4326)),
        _pieces(_polygon(SMALL), _polygon(LARGE, SMALL), _polygon(SMALL)),
    ],
    ids=["plain", "with a hole", "big-endian", "z", "z and m", "z of PostGIS", "with reference", "in pieces"],
)
def test_the_outline_of_a_polygon_is_its_outer_ring(data: bytes) -> None:
    kind, corners = read_geometry(data)
    assert kind == POLYGON
    np.testing.assert_array_equal(corners, LARGE)


def test_a_point_is_its_own_corner() -> None:
    for data in (struct.pack("<BI2d", 1, 1, 3, 4), struct.pack(">BI3d", 0, 1001, 3, 4, 5)):
        kind, corners = read_geometry(data)
        assert (kind, corners.tolist()) == (POINT, [[3, 4]])


@pytest.mark.parametrize("data", [_polygon(LARGE), _pieces(_polygon(SMALL), _polygon(LARGE))])
def test_a_geometry_that_ends_early_is_refused_wherever_it_does(data: bytes) -> None:
    for end in range(len(data)):
        with pytest.raises(ValueError, match=r"ends early|buffer"):
            read_geometry(data[:end])


def test_other_geometries_are_refused() -> None:
    for data, message in [
        (struct.pack("<BII", 1, 2, 0), "of type 2, and only points and polygons"),
        (struct.pack("<BII", 1, 9003, 0), "of type 9003"),
        (_pieces(struct.pack("<BI2d", 1, 1, 3, 4)), "has a piece that is none"),
    ]:
        with pytest.raises(ValueError, match=message):
            read_geometry(data)
