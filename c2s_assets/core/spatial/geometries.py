"""Points and polygons as GeoParquet keeps them: well-known binary, as ISO has it or with PostGIS's flags."""

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

POINT, POLYGON = 1, 3
_POLYGONS = 6
# ISO adds 1000 to the type for a third axis, 2000 for a measure, 3000 for both; PostGIS sets bits.
_ISO, _N_FURTHER = 1000, (0, 1, 1, 2)
_HAS_Z, _HAS_MEASURE, _HAS_REFERENCE = 0x80000000, 0x40000000, 0x20000000


class _Head(NamedTuple):
    """What a geometry begins with, and where what follows begins."""

    order: str
    kind: int
    n_axes: int
    at: int


def read_geometry(data: bytes) -> tuple[int, NDArray[np.float64]]:
    """Read a geometry: `POINT` or `POLYGON`, and the point or the corners of the outline, shape ``(n, 2)``.

    Holes are left out; of a polygon in several pieces, the one with the most corners stands for it.

    Raises
    ------
    ValueError
        If it is something else, or ends early.
    """
    try:
        head = _head(data, 0)
        if head.kind == POINT:
            return POINT, _pairs(data, head, n=1, at=head.at)
        if head.kind == POLYGON:
            return POLYGON, _outline(data, head)[0]
        if head.kind == _POLYGONS:
            return POLYGON, _largest(data, head)
    except (struct.error, IndexError) as error:
        raise ValueError(f"a geometry of {len(data):,} bytes ends early") from error
    raise ValueError(f"a geometry is of type {head.kind}, and only points and polygons are read")


def _head(data: bytes, at: int) -> _Head:
    order = "<" if data[at] else ">"
    code = _count(data, order, at + 1)
    further, kind = divmod(code & 0xFFFF, _ISO)
    if further >= len(_N_FURTHER):
        kind = code
    n_flags = bool(code & _HAS_Z) + bool(code & _HAS_MEASURE)
    n_axes = 2 + max(n_flags, _N_FURTHER[further % len(_N_FURTHER)])
    return _Head(order, kind, n_axes, at + (9 if code & _HAS_REFERENCE else 5))


def _count(data: bytes, order: str, at: int) -> int:
    (count,) = struct.unpack_from(f"{order}I", data, at)
    return int(count)


def _pairs(data: bytes, head: _Head, *, n: int, at: int) -> NDArray[np.float64]:
    values = np.frombuffer(data, f"{head.order}f8", n * head.n_axes, at)
    return values.reshape(n, head.n_axes)[:, :2]


def _outline(data: bytes, head: _Head) -> tuple[NDArray[np.float64], int]:
    """Read the first ring of a polygon, and where its last one ends."""
    rings, at = [], head.at + 4
    for _ in range(_count(data, head.order, head.at)):
        n_corners = _count(data, head.order, at)
        rings.append(_pairs(data, head, n=n_corners, at=at + 4))
        at += 4 + 8 * n_corners * head.n_axes
    return rings[0] if rings else np.empty((0, 2)), at


def _largest(data: bytes, head: _Head) -> NDArray[np.float64]:
    largest, at = np.empty((0, 2)), head.at + 4
    for _ in range(_count(data, head.order, head.at)):
        piece = _head(data, at)
        if piece.kind != POLYGON:
            raise ValueError("a polygon in pieces has a piece that is none")
        outline, at = _outline(data, piece)
        largest = outline if len(outline) > len(largest) else largest
    return largest
