"""What the arrays of obsm become: the names of their tables and columns, and which method made them."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

Method = Literal["PCA", "UMAP", "t-SNE"]

# Table under which a projection is written if the file has none, most basic first.
COMPUTED: Mapping[Method, str] = {"PCA": "X_pca", "UMAP": "X_umap", "t-SNE": "X_tsne"}

# Longer names do not fit into a file system once `.parquet` and what tells equals apart are behind them.
_LONGEST_NAME = 100


def table_names(arrays: Iterable[str]) -> dict[str, str]:
    """Name the table of each array of obsm: ``X_`` and what is behind it, in letters that every disk takes.

    Letters, digits, ``.``, ``_`` and ``-`` stay, others become ``_``. Of names that are then the same, or
    differ in case only, the one that is kept whole comes first, and the others get ``-1``, ``-2``, ...
    """
    safe = {name: _safe(name) for name in arrays}
    names: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(safe, key=lambda name: (name != safe[name], name)):
        candidate, n_tried = safe[name], 0
        while candidate.casefold() in taken:
            n_tried += 1
            candidate = f"{safe[name]}-{n_tried}"
        taken.add(candidate.casefold())
        names[name] = candidate
    return {name: names[name] for name in safe}


def axis_names(table: str, shape: Sequence[int]) -> list[str]:
    """Name the coordinates of one row of a table: ``UMAP1``, ``UMAP2``.

    Parameters
    ----------
    table
        Its name, ``X_umap``.
    shape
        Of one row. Of two axes or more, each coordinate is numbered along all of them, the last one fastest:
        ``IMAGE1_1``, ``IMAGE1_2``, ``IMAGE2_1``.
    """
    stem = table.removeprefix("X_").upper()
    names = [""]
    for size in shape:
        names = [f"{name}_{number}" for name in names for number in range(1, size + 1)]
    return [f"{stem}{name.removeprefix('_')}" for name in names]


def n_coordinates(shape: Sequence[int]) -> int:
    """Count the coordinates of one row."""
    return math.prod(shape)


def find_method(name: str) -> Method | None:
    """Tell by its name what method made an array: ``X_pca``, ``PCA``, ``X_t-SNE``; None if none of ours.

    ``X_pca_harmony`` is not a PCA, but something made of one.
    """
    letters = re.sub(r"[^a-z0-9]", "", _without_x(name).lower())
    return {"pca": "PCA", "umap": "UMAP", "tsne": "t-SNE"}.get(letters)  # type: ignore[return-value]


def _safe(name: str) -> str:
    return "X_" + (re.sub(r"[^A-Za-z0-9._-]", "_", _without_x(name))[:_LONGEST_NAME] or "_")


def _without_x(name: str) -> str:
    return re.sub(r"^[Xx]_", "", name)
