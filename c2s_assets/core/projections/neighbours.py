"""The cells nearest to each cell, exactly, in the form that umap-learn takes.

umap-learn's own search is approximate, and compiles for half a minute in every process, and as long again to
place other cells. Of 50,000 cells all distances took 7 s, of 50,000 others to them 5 s, on two busy cores;
warm, its own took 2 s each.

Importing this module takes a second (scikit-learn, pynndescent), so only who needs it does.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pynndescent import NNDescent  # type: ignore[import-untyped]
from sklearn.neighbors import NearestNeighbors

Points = NDArray[np.float32]
Neighbours = tuple[NDArray[np.int32], NDArray[np.float32]]


class ExactNeighbours(NNDescent):  # type: ignore[misc]
    """Finds the nearest of some cells by all distances.

    umap-learn asks it for the neighbours of cells that are placed later, and takes nothing but a `NNDescent`
    there, of which it uses `query` alone.

    Parameters
    ----------
    points
        The cells among which neighbours are found, shape ``(n, n_axes)``.
    """

    _angular_trees = False

    def __init__(self, points: Points) -> None:
        self._points = points
        self._search = NearestNeighbors(algorithm="brute").fit(points)

    def of_each(self, k: int) -> Neighbours:
        """Find for each of the cells the `k` nearest, itself first: indices and distances, ``(n, k)``."""
        others = self._search.kneighbors(n_neighbors=k - 1, return_distance=False)
        itself = np.arange(len(self._points))
        return self._with_distances(self._points, np.column_stack([itself, others]))

    def query(self, query_data: Points, k: int = 10, epsilon: float = 0.1) -> Neighbours:  # noqa: ARG002
        """Find for each of other cells the `k` nearest, as `NNDescent.query` does; without `epsilon`."""
        nearest = self._search.kneighbors(query_data, n_neighbors=k, return_distance=False)
        return self._with_distances(query_data, nearest)

    def _with_distances(self, points: Points, nearest: NDArray[Any]) -> Neighbours:
        """Measure the distances anew: those of the search come from products, in which equals differ.

        umap-learn takes the smallest distance above zero as that of the nearest neighbour.
        """
        distances = [np.linalg.norm(points - self._points[column], axis=1) for column in nearest.T]
        return nearest.astype(np.int32), np.column_stack(distances).astype(np.float32)
