"""Which matrix of a file holds the expression, and what its values are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import EmptyDatasetError, MissingColumnError

Kind = Literal["counts", "normalised", "scaled", "unknown"]

_PREFERRED = ("raw.X", "layers/counts", "X")


@dataclass(frozen=True)
class MatrixVerdict:
    """What the values of a matrix are, and the figures that say so.

    `kind` is ``counts`` (whole numbers from zero), ``normalised`` (from zero), ``scaled`` (some below
    zero) or ``unknown`` (no value other than zero was seen).
    """

    kind: Kind
    n_cells_sampled: int
    n_values_sampled: int
    min_value: float
    max_value: float
    frac_whole: float

    @property
    def can_be_ranked(self) -> bool:
        """Whether a higher value means more expression."""
        return self.kind in ("counts", "normalised")


def choose_matrix(names: Collection[str], *, layer: str | None = None) -> str:
    """Pick the matrix to rank: the one asked for, else `raw.X`, else `layers/counts`, else `X`.

    Raises
    ------
    MissingColumnError
        If the layer that datasets.yaml names is not in the file.
    EmptyDatasetError
        If the file holds none of the three.
    """
    there = ", ".join(sorted(names)) or "none"
    if layer is not None:
        wanted = layer if layer in ("X", "raw.X") or layer.startswith("layers/") else f"layers/{layer}"
        if wanted not in names:
            raise MissingColumnError(
                f"the file has no matrix {layer!r}, which datasets.yaml names as layer. It has: {there}. "
                f"Correct the entry or leave it out."
            )
        return wanted
    for name in _PREFERRED:
        if name in names:
            return name
    raise EmptyDatasetError(
        f"no expression matrix: raw.X, layers/counts and X are all missing; the file has: {there}. "
        f"Name the one to use as layer in the dataset's entry of datasets.yaml."
    )


def judge_values(samples: Sequence[NDArray[np.float32]], *, n_cells: int) -> MatrixVerdict:
    """Tell counts from normalised and scaled values by the non-zero values of some cells.

    Parameters
    ----------
    samples
        Stored values of cells from the head, the middle and the tail of the file, each one-dimensional.
    n_cells
        How many cells they are from.
    """
    values = np.concatenate([np.zeros(0, np.float32), *samples])
    values = values[values != 0]
    if values.size == 0:
        return MatrixVerdict("unknown", n_cells, 0, 0.0, 0.0, 0.0)
    frac_whole = float(np.mean(values == np.floor(values)))
    low, high = float(values.min()), float(values.max())
    kind: Kind = "scaled" if low < 0 else "counts" if frac_whole == 1 else "normalised"
    return MatrixVerdict(kind, n_cells, int(values.size), low, high, frac_whole)
