import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from c2s_assets.core.projections import manifold
from c2s_assets.core.projections.manifold import fit, is_installed, library_version


def draw_points(n=120, n_axes=10, n_groups=4, seed=0):
    """Groups of points far apart, and which group each is of."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % n_groups
    centres = rng.normal(0, 20, (n_groups, n_axes))
    return (centres[group] + rng.normal(0, 1, (n, n_axes))).astype(np.float32), group


def share_of_like_neighbours(coordinates, group, others=None, of=None):
    """How many points have their nearest neighbour in their own group."""
    reference = coordinates if others is None else others
    distance = np.linalg.norm(coordinates[:, np.newaxis] - reference, axis=2)
    if others is None:
        np.fill_diagonal(distance, np.inf)
    nearest = (group if of is None else of)[distance.argmin(axis=1)]
    return np.mean(nearest == group)


METHODS = ["t-SNE", "UMAP"]


@pytest.mark.parametrize("method", METHODS)
def test_groups_stay_together_and_others_are_placed_among_their_like(method):
    points, group = draw_points()
    fitted = fit(method, points[:80], seed=0)
    assert fitted.coordinates.shape == (80, 2)
    assert fitted.coordinates.dtype == np.float32
    assert share_of_like_neighbours(fitted.coordinates, group[:80]) > 0.95
    placed = fitted.place(points[80:])
    assert share_of_like_neighbours(placed, group[80:], fitted.coordinates, group[:80]) > 0.9


@pytest.mark.parametrize("method", METHODS)
def test_neighbours_along_a_curve_stay_neighbours(method):
    """Trustworthiness (Venna and Kaski, 2001): 1 if all neighbours were neighbours before."""
    position = np.random.default_rng(0).uniform(0, 10, (600, 1))
    curve = np.hstack([np.cos(position), np.sin(position), position])
    points = (curve @ np.random.default_rng(1).normal(size=(3, 10))).astype(np.float32)
    assert trustworthiness(points, fit(method, points, seed=0).coordinates, n_neighbors=15) > 0.98


def test_numba_keeps_what_it_compiles_of_umap_learn():
    """Otherwise every process compiles it anew, which takes longer than all else of a small dataset."""
    fit("UMAP", draw_points()[0], seed=0)
    import umap

    for function in (umap.umap_.smooth_knn_dist, umap.umap_.compute_membership_strengths):
        assert sum(function.stats.cache_hits.values()) + sum(function.stats.cache_misses.values()) > 0


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_bytes(method):
    points, _ = draw_points()
    first, again = (fit(method, points[:80], seed=3) for _ in range(2))
    assert first.coordinates.tobytes() == again.coordinates.tobytes()
    assert first.place(points[80:]).tobytes() == again.place(points[80:]).tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_the_fewest_cells_are_enough(method):
    points, _ = draw_points(n=manifold.FEWEST_CELLS)
    assert np.isfinite(fit(method, points, seed=0).coordinates).all()


@pytest.mark.parametrize("method", METHODS)
def test_cells_that_are_all_the_same_but_one_are_finite(method):
    points = np.zeros((30, 3), np.float32)
    points[0] = 1
    assert np.isfinite(fit(method, points, seed=0).coordinates).all()


def test_a_library_that_warns_is_quoted_and_does_not_end_the_run(monkeypatch):
    """Warnings are errors in these tests, as they may be at run time."""
    import openTSNE

    fit_of_library = openTSNE.TSNE.fit

    def warn_and_fit(self, points):
        import warnings

        warnings.warn("neighbours may be wrong", stacklevel=1)
        return fit_of_library(self, points)

    monkeypatch.setattr(openTSNE.TSNE, "fit", warn_and_fit)
    assert fit("t-SNE", draw_points()[0], seed=0).notes == ["UserWarning: neighbours may be wrong"]


def test_libraries_are_named_with_their_version():
    assert library_version("UMAP").startswith("umap-learn 0.")
    assert library_version("t-SNE").startswith("openTSNE 1.")


def test_a_library_that_is_missing_is_noticed(monkeypatch):
    monkeypatch.setattr(manifold, "find_spec", lambda _: None)
    assert not is_installed("UMAP")
