"""Neighbour embeddings in two dimensions: UMAP and t-SNE, by the libraries of the extra ``projections``.

Both are fitted on some cells; others are placed among them by the library's own transform.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.projections.names import Method

HOW_TO_INSTALL = "Install what computes it: pip install 'c2s-assets[projections]'."

# Fewer cells have no neighbourhoods to keep.
FEWEST_CELLS = 5

_LIBRARIES: Mapping[Method, tuple[str, str]] = {
    "UMAP": ("umap", "umap-learn"),
    "t-SNE": ("openTSNE", "openTSNE"),
}
_N_NEIGHBOURS = 15
_PERPLEXITY = 30
# Two threads wait for each other by spinning: beside another run, 5,000 cells took 28.8 s with one thread
# (18 s of processor) and 47.8 s with two (33 s). Many cells are worth it.
_MANY_CELLS = 20_000

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Manifold:
    """A fitted embedding.

    Attributes
    ----------
    coordinates
        Of the fitted cells, shape ``(n_fitted, 2)``.
    place
        Places other cells, given like the fitted ones, among them: ``(n, n_axes)`` to ``(n, 2)``.
    parameters
        What the library was told.
    notes
        What it warned of, until now.
    """

    coordinates: Points
    place: Callable[[Points], Points]
    parameters: Mapping[str, int | float | str]
    notes: list[str]


def is_installed(method: Method) -> bool:
    """Whether the library of a method is there."""
    return find_spec(_LIBRARIES[method][0]) is not None


def library_version(method: Method) -> str:
    """Name the library of a method and its version."""
    distribution = _LIBRARIES[method][1]
    return f"{distribution} {version(distribution)}"


def fit(method: Method, points: Points, *, seed: int) -> Manifold:
    """Embed cells by one of the methods.

    Parameters
    ----------
    points
        Shape ``(n_fitted, n_axes)``, principal components, finite; at least `FEWEST_CELLS`, two axes, and a
        first axis along which the cells differ.
    """
    return {"UMAP": fit_umap, "t-SNE": fit_tsne}[method](points, seed=seed)


def fit_umap(points: Points, *, seed: int) -> Manifold:
    """Embed cells by UMAP.

    Neighbours are exact. The same points and seed give the same bytes on one machine: given a seed, the
    layout uses one thread.

    References
    ----------
    McInnes, Healy and Melville (2018), UMAP. arXiv:1802.03426
    """
    n_neighbours = min(_N_NEIGHBOURS, len(points) - 1)
    parameters = {"n_neighbors": n_neighbours, "min_dist": 0.1}
    with _noted() as notes:
        umap = _umap()
        from c2s_assets.core.projections.neighbours import ExactNeighbours  # noqa: PLC0415

        among = ExactNeighbours(points)
        known = (*among.of_each(n_neighbours), among)
        model = umap.UMAP(
            **parameters, precomputed_knn=known, random_state=seed, transform_seed=seed, n_jobs=1
        )
        coordinates = model.fit_transform(points)

    def place(others: Points) -> Points:
        with _noted() as more:
            placed = _float32(model.transform(others))
        notes.extend(more)
        return placed

    return Manifold(_float32(coordinates), place, {**parameters, "seed": seed}, notes)


def fit_tsne(points: Points, *, seed: int) -> Manifold:
    """Embed cells by t-SNE, from the first two components on.

    The gradient is that of FIt-SNE from 10,000 cells on and that of Barnes and Hut below, where it is faster
    (60 cells: 0.06 s instead of 4.9 s). The same points and seed give the same bytes on one machine, measured
    on 60 to 21,000 cells with one thread and with two; another number of threads adds up in another order.

    References
    ----------
    Linderman et al. (2019), FIt-SNE. doi:10.1038/s41592-018-0308-4; Kobak and Berens (2019), The art of using
    t-SNE for single-cell transcriptomics. doi:10.1038/s41467-019-13056-x; Poličar, Stražar and Zupan (2024),
    openTSNE. doi:10.18637/jss.v109.i03
    """
    perplexity = min(_PERPLEXITY, (len(points) - 1) / 3)
    with _noted() as notes:
        import openTSNE  # type: ignore[import-untyped]  # noqa: PLC0415

        model = openTSNE.TSNE(
            perplexity=perplexity,
            initialization=openTSNE.initialization.rescale(points[:, :2].astype(np.float64)),
            n_jobs=2 if len(points) > _MANY_CELLS else 1,
            random_state=seed,
        ).fit(points)
    return Manifold(
        _float32(model),
        lambda others: _float32(model.transform(others)),
        {"perplexity": perplexity, "n_iter": 750, "seed": seed},
        notes,
    )


@cache
def _umap() -> ModuleType:
    """Import umap-learn, and let numba keep what it compiles of it: 6 s of 2,500 cells in every process.

    umap-learn marks none of its functions so (github.com/lmcinnes/umap/pull/1257, closed). Its bytes stay.
    """
    import umap  # type: ignore[import-untyped]  # noqa: PLC0415
    from numba.core.dispatcher import Dispatcher  # noqa: PLC0415

    for module in (umap.umap_, umap.layouts):
        for function in vars(module).values():
            if isinstance(function, Dispatcher) and function.py_func.__module__ == module.__name__:
                function.enable_caching()
    return umap  # type: ignore[no-any-return]


@contextmanager
def _noted() -> Iterator[list[str]]:
    """Collect the warnings of a library, each once, rather than let them end a run or pass unseen.

    That umap-learn has no neural network without TensorFlow concerns nobody here.
    """
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", message="Tensorflow not installed")
        yield notes
    notes.extend(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught))


def _float32(coordinates: Any) -> Points:
    return np.asarray(coordinates, dtype=np.float32)
