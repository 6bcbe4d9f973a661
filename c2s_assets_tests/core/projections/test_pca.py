import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.decomposition import PCA

from c2s_assets.core.projections import pca
from c2s_assets.core.projections.pca import Pretreatment, fit_components, project


def draw_counts(n_obs=400, n_vars=120, seed=0):
    rng = np.random.default_rng(seed)
    profiles = rng.lognormal(0, 1, (5, n_vars))
    return rng.poisson(profiles[rng.integers(0, 5, n_obs)] * rng.lognormal(0, 0.3, (n_obs, 1))).astype(
        np.float32
    )


def blocks_of(matrix, *, rows=1000):
    sparse = csr_array(matrix.astype(np.float32))
    return [(start, sparse[start : start + rows]) for start in range(0, matrix.shape[0], rows)]


def compute(matrix, *, columns=None, is_counts=True, rows=1000, is_fitted=None):
    columns = np.arange(matrix.shape[1]) if columns is None else columns
    treatment = Pretreatment(columns, is_counts=is_counts)
    fitted = np.ones(len(matrix), bool) if is_fitted is None else is_fitted
    components = fit_components(blocks_of(matrix, rows=rows), treatment, is_fitted=fitted)
    found = list(project(blocks_of(matrix, rows=rows), treatment, components))
    assert [start for start, _ in found] == list(range(0, len(matrix), pca._ROWS_PER_BLOCK))
    return components, np.concatenate([scores for _, scores in found])


def treated(counts, columns):
    counts = counts.astype(np.float64)
    return np.log1p(counts / counts.sum(axis=1, keepdims=True) * 10_000)[:, columns]


def up_to_sign(scores, reference):
    return scores * np.sign((scores * reference).sum(axis=0))


def test_scores_are_those_of_scikit_learn():
    counts, columns = draw_counts(), np.arange(0, 120, 2)
    components, scores = compute(counts, columns=columns)
    reference = PCA(50, svd_solver="full").fit(treated(counts, columns))
    expected = reference.transform(treated(counts, columns))
    assert scores.shape == (400, 50)
    scale = np.abs(expected).max(axis=0)
    assert (np.abs(up_to_sign(scores, expected) - expected).max(axis=0) < 1e-3 * scale).all()
    assert components.explained_variance == pytest.approx(reference.explained_variance_, rel=1e-6)
    assert components.explained_variance_ratio == pytest.approx(reference.explained_variance_ratio_, rel=1e-6)


def test_normalised_values_are_used_as_they_are():
    values = np.log1p(draw_counts())
    _, scores = compute(values, is_counts=False)
    expected = PCA(50, svd_solver="full").fit_transform(values.astype(np.float64))
    assert np.allclose(up_to_sign(scores, expected), expected, atol=1e-3)


def test_the_largest_loading_of_each_component_is_positive():
    components, _ = compute(draw_counts())
    largest = np.abs(components.loadings).argmax(axis=1)
    assert (components.loadings[np.arange(50), largest] > 0).all()
    assert np.linalg.norm(components.loadings, axis=1) == pytest.approx(np.ones(50))


@pytest.mark.parametrize("rows", [1, 37, 100, 400])
def test_blocks_change_no_bit(monkeypatch, rows):
    monkeypatch.setattr(pca, "_ROWS_PER_BLOCK", 64)
    counts = draw_counts()
    _, whole = compute(counts)
    _, cut = compute(counts, rows=rows)
    assert whole.tobytes() == cut.tobytes()


def test_components_of_fitted_cells_place_all_cells():
    counts = draw_counts()
    is_fitted = np.arange(400) % 3 == 0
    components, scores = compute(counts, is_fitted=is_fitted)
    alone, scores_alone = compute(counts[is_fitted])
    assert components.n_fitted == alone.n_fitted == 134
    assert np.allclose(components.loadings, alone.loadings, atol=1e-8)
    assert np.allclose(scores[is_fitted], scores_alone, atol=1e-5)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(
    ("counts", "n_components"),
    [
        (draw_counts(n_obs=10), 9),
        (draw_counts(n_vars=4), 4),
        (np.ones((8, 3)), 0),
        (np.full((8, 3), 0.1), 0),
        (np.zeros((8, 3)), 0),
        (np.array([[1, 2, 0]]), 0),
        (np.outer(np.arange(1, 9), np.ones(3)), 0),
    ],
    ids=[
        "few cells",
        "few features",
        "all alike",
        "alike but for rounding",
        "nothing",
        "one cell",
        "depth only",
    ],
)
def test_there_are_as_many_components_as_directions_in_which_cells_differ(counts, n_components):
    components, scores = compute(counts)
    assert components.loadings.shape == (n_components, counts.shape[1])
    assert scores.shape == (len(counts), n_components)


def test_a_cell_without_counts_is_placed_as_zeros():
    counts = draw_counts()
    counts[7] = 0
    components, scores = compute(counts)
    assert scores[7] == pytest.approx(-components.mean @ components.loadings.T, abs=1e-4)
