"""How pixels of an image and the unit of positions belong together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import ConfigError

_SIZE = 3
# In one direction against the other: images are turned, mirrored and scaled, and hardly stretched.
MOST_STRETCHED = 100.0


@dataclass(frozen=True)
class Alignment:
    """Turns positions into pixels of an image.

    Attributes
    ----------
    to_px
        Shape ``(3, 3)``, of ``(x, y, 1)``.
    """

    to_px: NDArray[np.float64]

    def pixels(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the pixels of positions, both of shape ``(n, 2)``."""
        found: NDArray[np.float64] = positions @ self.to_px[:2, :2].T + self.to_px[:2, 2]
        return found

    def exchanged(self, xy_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the pixels that positions would have, were their x and y exchanged, instead of these."""
        positions = np.linalg.solve(self.to_px[:2, :2], (xy_px - self.to_px[:2, 2]).T).T.astype(np.float64)
        return self.pixels(positions[:, ::-1])

    @property
    def px_per_unit(self) -> float:
        """How many pixels a unit of the positions is."""
        return float(np.sqrt(abs(np.linalg.det(self.to_px[:2, :2]))))


SAME = Alignment(np.eye(_SIZE))


def scaled_by(px_per_unit: float) -> Alignment:
    """Make the alignment of an image that is a copy of another size."""
    return Alignment(np.diag([px_per_unit, px_per_unit, 1.0]))


def inverse_of(to_position: NDArray[np.float64]) -> Alignment:
    """Make an alignment of the matrix, shape ``(3, 3)``, that turns pixels of the image into positions."""
    return Alignment(np.linalg.inv(to_position).astype(np.float64))


def parse_alignment(rows: Sequence[Sequence[float]], *, source: str) -> Alignment:
    """Make an alignment of the matrix that turns pixels of an image into positions, as Xenium Explorer does.

    Raises
    ------
    ConfigError
        If it is no such matrix, or cannot be turned round: it would lay all cells on a line.
    """
    again = "Export it again, and name it as alignment of spatial in the dataset's entry of datasets.yaml."
    shape = {len(row) for row in rows}
    if len(rows) != _SIZE or shape != {_SIZE}:
        raise ConfigError(f"{source} is no matrix of 3 x 3 numbers. {again}")
    to_position = np.array(rows, dtype=np.float64)
    if not np.isfinite(to_position).all() or (to_position[2] != (0, 0, 1)).any():
        raise ConfigError(
            f"{source} ends with the row {', '.join(f'{value:g}' for value in to_position[2])}, and that of "
            f"an image laid on another one is 0, 0, 1. {again}"
        )
    if np.linalg.cond(to_position[:2, :2]) > MOST_STRETCHED:
        raise ConfigError(f"{source} lays the whole image on a line or a point (it is singular). {again}")
    return inverse_of(to_position)
