"""How elements of a SpatialData store lie in its coordinate systems, as matrices of ``(x, y, 1)``.

They are written as a draft of NGFF has them, by names of axes: https://github.com/ome/ngff/pull/138.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import SourceError
from c2s_assets.core.spatial.alignment import MOST_STRETCHED

Matrix = NDArray[np.float64]
# What each axis is of (x, y, 1); those that are neither x nor y, as channels, are 0.
_Rows = dict[str, NDArray[np.float64]]

_USUAL = "global"
_CONSTANT = np.array([0.0, 0.0, 1.0])
_START: Mapping[str, NDArray[np.float64]] = {
    "x": np.array([1.0, 0.0, 0.0]),
    "y": np.array([0.0, 1.0, 0.0]),
}
_NOTHING = np.zeros(3)


def read_transformations(said: Any, *, source: str) -> dict[str, Matrix]:
    """Read how an element lies in each coordinate system, by their names: matrices of shape ``(3, 3)``.

    Parameters
    ----------
    said
        The list `coordinateTransformations` of its attributes; what leads into no system with a name, as in
        an image that SpatialData did not write, is passed over.

    Raises
    ------
    SourceError
        If one is not known, or lays the element on a line or a point.
    """
    found = {}
    try:
        for one in said:
            output = one.get("output")
            if isinstance(output, dict) and isinstance(output.get("name"), str):
                found[output["name"]] = _matrix(one)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise SourceError(
            f"{source} has a transformation that cannot be read ({type(error).__name__}: "
            f"{str(error)[:200]}). Write the store again with spatialdata."
        ) from error
    for name, matrix in found.items():
        if not np.isfinite(matrix).all() or np.linalg.cond(matrix[:2, :2]) > MOST_STRETCHED:
            raise SourceError(
                f"{source} is laid on a line or a point of the coordinate system {name!r} (its "
                f"transformation is singular). Correct it with spatialdata's set_transformation."
            )
    return found


def transformed(xy: NDArray[np.float64], matrix: Matrix) -> NDArray[np.float64]:
    """Give the places of points in a coordinate system, both of shape ``(n, 2)``."""
    moved: NDArray[np.float64] = xy @ matrix[:2, :2].T + matrix[:2, 2]
    return moved


def choose_systems(known: Mapping[str, Mapping[str, Matrix]]) -> dict[str, str]:
    """Choose the coordinate system in which each of several elements is read.

    One that all have is taken: `global`, else the only one, else the only one in which all lie as they are.
    Where they have none in common, each has its own, chosen in the same way.

    Parameters
    ----------
    known
        By the name of each element, what `read_transformations` found.

    Raises
    ------
    SourceError
        If there is nothing to choose by.
    """
    common = [name for name in next(iter(known.values())) if all(name in own for own in known.values())]
    if common:
        return dict.fromkeys(known, _choose(common, list(known.values()), of=", ".join(known)))
    return {element: _choose(list(own), [own], of=element) for element, own in known.items()}


def _choose(systems: Sequence[str], elements: Sequence[Mapping[str, Matrix]], *, of: str) -> str:
    as_they_are = [name for name in systems if all(np.array_equal(own[name], np.eye(3)) for own in elements)]
    for candidates in ([name for name in systems if name == _USUAL], systems, as_they_are):
        if len(candidates) == 1:
            return candidates[0]
    raise SourceError(
        f"{of} is in the coordinate systems {', '.join(sorted(systems)) or 'none'}, and nothing says which "
        f"is meant. Give it a transformation to {_USUAL!r} with spatialdata's set_transformation."
    )


def _matrix(said: Mapping[str, Any]) -> Matrix:
    axes = _axes(said.get("input")) or list(_START)
    rows = _applied(said, {axis: _START.get(axis, _NOTHING) for axis in axes})
    return np.array([rows["x"], rows["y"], _CONSTANT])


def _axes(system: Any) -> list[str] | None:
    """Name the axes of a coordinate system, in order; one may be described elsewhere, or not at all."""
    axes = system.get("axes") if isinstance(system, dict) else None
    return None if axes is None else [axis["name"] for axis in axes]


def _applied(said: Mapping[str, Any], rows: _Rows) -> _Rows:
    """Apply a transformation to axes that are known, in their order."""
    before = _axes(said.get("input")) or list(rows)
    rows = {axis: rows[axis] for axis in before}
    match said["type"]:
        case "sequence":
            for one in said["transformations"]:
                rows = _applied(one, rows)
            return rows
        case "byDimension":
            apart = [_applied(one, rows) for one in said["transformations"]]
            return {axis: row for part in apart for axis, row in part.items()}
        case "mapAxis":
            return rows | {after: rows[axis] for after, axis in said["mapAxis"].items()}
        case "affine":
            after = _axes(said.get("output")) or before
            return _multiplied(_numbers(said["affine"])[: len(after)], rows, after=after)
        case _:
            return _multiplied(_without_change_of_axes(said, len(before)), rows, after=before)


def _without_change_of_axes(said: Mapping[str, Any], n_axes: int) -> NDArray[np.float64]:
    """Make the matrix of a transformation whose axes after it are those before, ``(n_axes, n_axes + 1)``."""
    matrix = np.eye(n_axes, n_axes + 1)
    match said["type"]:
        case "identity":
            pass
        case "scale":
            matrix[:, :-1] *= _numbers(said["scale"])
        case "translation":
            matrix[:, -1] = _numbers(said["translation"])
        case "rotation":
            matrix[:, :-1] = _numbers(said["rotation"]).reshape(n_axes, n_axes)
        case kind:
            raise ValueError(f"no transformation of type {kind!r} is known")
    return matrix


def _multiplied(affine: NDArray[np.float64], rows: _Rows, *, after: Sequence[str]) -> _Rows:
    inputs = np.array([*rows.values(), _CONSTANT])
    if affine.shape != (len(after), len(inputs)):
        raise ValueError(f"a matrix of shape {affine.shape} does not lead from {list(rows)} to {list(after)}")
    return dict(zip(after, affine @ inputs, strict=True))


def _numbers(values: Any) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)
