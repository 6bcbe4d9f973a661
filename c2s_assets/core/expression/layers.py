"""Which matrix of a file holds the expression, and what its values are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import EmptyDatasetError, MissingColumnError, SourceError

Kind = Literal["counts", "normalised", "scaled", "unknown"]

_PREFERRED = ("raw.X", "layers/counts", "X")

# Layers whose names speak of counts come before others.
_SPEAK_OF_COUNTS = ("count", "umi", "raw")
# Whole numbers that are not the counts of a cell: a part of them, as velocyto tells apart, or bins.
_NO_COUNTS = ("unspliced", "ambiguous", "spanning", "binned")


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


def named_matrix(names: Collection[str], *, layer: str) -> str:
    """Find the matrix that datasets.yaml names; MissingColumnError if the file does not have it."""
    wanted = layer if layer in ("X", "raw.X") or layer.startswith("layers/") else f"layers/{layer}"
    if wanted not in names:
        raise MissingColumnError(
            f"the file has no matrix {layer!r}, which datasets.yaml names as layer. It has: "
            f"{', '.join(sorted(names)) or 'none'}. Correct the entry or leave it out."
        )
    return wanted


def in_order(names: Collection[str]) -> list[str]:
    """Order matrices by how likely they hold counts: `raw.X`, `layers/counts`, `X`, then other layers.

    Of those, the ones whose names speak of counts come first, and each group is in order of the names.
    """
    others = [name for name in names if name not in _PREFERRED]
    others.sort(key=lambda name: (not _contains(name, _SPEAK_OF_COUNTS), name.lower(), name))
    return [name for name in _PREFERRED if name in names] + others


def can_be_taken(name: str, verdict: MatrixVerdict) -> bool:
    """Whether a matrix holds the counts of the cells.

    A layer that nobody named and that is not called `counts` may be a mask of zeros and ones, or hold a part
    of the counts.
    """
    is_usual = name in _PREFERRED
    return verdict.kind == "counts" and (
        is_usual or (verdict.max_value > 1 and not _contains(name, _NO_COUNTS))
    )


def choose_matrix(verdicts: Mapping[str, MatrixVerdict], problems: Mapping[str, SourceError]) -> str:
    """Pick the matrix to rank: the first that holds counts, else the first usual one that can be ranked.

    The usual ones are `raw.X`, `layers/counts` and `X`. Where none can be ranked it is the first of them.

    Parameters
    ----------
    verdicts
        Of all matrices that were judged, as far as the first that can be taken for counts.
    problems
        Why others could not be read.

    Raises
    ------
    EmptyDatasetError
        If the file holds none of the three, and no other layer that can be taken for counts.
    SourceError
        That of a usual one which cannot be read, if none holds counts: what is right then is not known.
    """
    known = in_order([*verdicts, *problems])
    for name in known:
        if name in verdicts and can_be_taken(name, verdicts[name]):
            return name
    usual = [name for name in known if name in _PREFERRED]
    for name in usual:
        if name in problems:
            raise problems[name]
        if verdicts[name].can_be_ranked:
            return name
    if usual:
        return usual[0]
    raise EmptyDatasetError(
        f"no expression matrix: raw.X, layers/counts and X are all missing; the file has: "
        f"{list_matrices({name: verdicts[name].kind if name in verdicts else None for name in known})}. "
        f"Name the one to use as layer in the dataset's entry of datasets.yaml."
    )


def explain_choice(chosen: str, verdicts: Mapping[str, MatrixVerdict], *, is_named: bool) -> str:
    """Say why a matrix was chosen, with the figures that decided."""
    evidence = ", ".join(
        f"{name} holds {_KINDS[verdict.kind]} ({verdict.frac_whole:.1%} of {verdict.n_values_sampled:,} "
        f"values are whole, from {verdict.min_value:g} to {verdict.max_value:g})"
        for name, verdict in verdicts.items()
    )
    if is_named:
        return f"datasets.yaml names {chosen}: {evidence}."
    if can_be_taken(chosen, verdicts[chosen]):
        return f"{chosen} is the first that holds counts: {evidence}."
    return f"None holds counts, and {chosen} is the first usual one that can be ranked: {evidence}."


def list_matrices(kinds: Mapping[str, str | None]) -> str:
    """List matrices with what they hold, as far as that is known."""
    listed = (name if kind is None else f"{name} ({kind})" for name, kind in sorted(kinds.items()))
    return ", ".join(listed) or "none"


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


def _contains(name: str, words: Sequence[str]) -> bool:
    return any(word in name.lower() for word in words)


_KINDS: Mapping[Kind, str] = {
    "counts": "counts",
    "normalised": "normalised values",
    "scaled": "scaled values",
    "unknown": "nothing but zeros",
}
