import numpy as np
import pytest
from scipy.sparse import csr_array

from c2s_assets.core.expression.variability import choose_highly_variable, summarise_features


def blocks_of(matrix, *, rows):
    sparse = csr_array(matrix.astype(np.float32))
    return [(start, sparse[start : start + rows]) for start in range(0, matrix.shape[0], rows)]


def summarise(matrix, *, kind="counts", rows=1000, is_fitted=None):
    fitted = np.ones(len(matrix), bool) if is_fitted is None else np.asarray(is_fitted)
    return summarise_features(
        blocks_of(matrix, rows=rows), kind=kind, n_vars=matrix.shape[1], is_fitted=fitted
    )


def draw_counts(n_obs=300, n_vars=500, seed=0):
    rng = np.random.default_rng(seed)
    means = rng.lognormal(-1, 1.5, n_vars)
    spread = rng.gamma(rng.lognormal(0, 0.5, n_vars), 1, (n_obs, n_vars))
    return rng.poisson(means * spread).astype(float)


def reference(matrix, *, n_top, is_counts=True):
    """The rule of scanpy's flavor "seurat", feature by feature, from its description."""
    scaled = matrix / matrix.sum(axis=1, keepdims=True) * 10_000 if is_counts else matrix
    mean, variance = scaled.mean(axis=0), scaled.var(axis=0, ddof=1)
    mean[mean == 0] = 1e-12
    dispersion = [np.log(v / m) if v > 0 else np.nan for m, v in zip(mean, variance, strict=True)]
    edges = np.linspace(np.log1p(mean).min(), np.log1p(mean).max(), 21)
    edges[0] -= 0.001 * (edges[-1] - edges[0])
    scores = []
    for m, d in zip(np.log1p(mean), dispersion, strict=True):
        number = next(i for i in range(20) if edges[i] < m <= edges[i + 1] or i == 19)
        peers = [
            e
            for n, e in zip(np.log1p(mean), dispersion, strict=True)
            if edges[number] < n <= edges[number + 1] and not np.isnan(e)
        ]
        if np.isnan(d):
            scores.append(-np.inf)
        elif len(peers) == 1:
            scores.append(1.0)
        else:
            scores.append((d - np.mean(peers)) / np.std(peers, ddof=1))
    best = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:n_top]
    return [i for i in sorted(best) if np.isfinite(scores[i])]


def test_cells_are_counted_and_values_averaged_with_zeros():
    summary = summarise(np.array([[1, 0, 4], [3, 0, 0]]))
    assert summary.n_cells.tolist() == [2, 0, 1]
    assert summary.mean.tolist() == [2, 0, 2]
    assert summary.mean.dtype == np.float32


@pytest.mark.parametrize("n_top", [1, 40, 499])
def test_the_features_chosen_are_those_of_a_slow_reference(n_top):
    counts = draw_counts()
    scaled = counts / counts.sum(axis=1, keepdims=True) * 10_000
    chosen = choose_highly_variable(scaled.mean(axis=0), scaled.var(axis=0, ddof=1), n_top=n_top)
    assert np.flatnonzero(chosen).tolist() == reference(counts, n_top=n_top)


def test_two_thousand_are_chosen_from_counts_as_the_reference_does():
    counts = draw_counts(n_obs=120, n_vars=2_300)
    chosen = summarise(counts).is_highly_variable
    assert chosen.sum() == 2_000
    assert np.flatnonzero(chosen).tolist() == reference(counts, n_top=2_000)


def test_normalised_values_are_taken_as_they_are():
    values = np.log1p(draw_counts(n_obs=80, n_vars=2_100)).astype(np.float32).astype(float)
    chosen = summarise(values, kind="normalised").is_highly_variable
    assert np.flatnonzero(chosen).tolist() == reference(values, n_top=2_000, is_counts=False)


def test_a_feature_that_does_not_vary_is_never_chosen():
    values = np.array([[1.0, 2.0, 0.0], [3.0, 2.0, 0.0], [1.0, 2.0, 0.0]])
    assert summarise(values, kind="normalised").is_highly_variable.tolist() == [True, False, False]


def test_equals_go_by_position():
    chosen = choose_highly_variable(np.array([1.0, 1, 1, 1]), np.array([2.0, 2, 2, 1]), n_top=2)
    assert chosen.tolist() == [True, True, False, False]


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_blocks_change_no_bit(rows):
    counts = draw_counts(n_obs=50) * 0.3
    whole, cut = summarise(counts, rows=50), summarise(counts, rows=rows)
    assert np.array_equal(whole.mean, cut.mean)
    assert np.array_equal(whole.is_highly_variable, cut.is_highly_variable)


def test_only_fitted_cells_decide_but_all_are_counted():
    counts = draw_counts()
    is_fitted = np.arange(len(counts)) < 100
    some, all_cells = summarise(counts, is_fitted=is_fitted), summarise(counts)
    alone = summarise(counts[:100])
    assert np.array_equal(some.n_cells, all_cells.n_cells)
    assert np.array_equal(some.mean, all_cells.mean)
    assert np.array_equal(some.is_highly_variable, alone.is_highly_variable)


@pytest.mark.parametrize(
    ("matrix", "kind", "is_fitted"),
    [
        ([[-1.0, 1], [1, 2]], "scaled", None),
        ([[-1.0, 1], [1, 2]], "counts", None),
        ([[0.0, 0], [0, 0]], "unknown", None),
        ([[1.0, 2]], "counts", None),
        ([[1.0, 2], [2, 1]], "counts", [True, False]),
    ],
    ids=["scaled", "below zero unexpectedly", "nothing but zeros", "one cell", "one cell to decide"],
)
def test_what_cannot_be_decided_is_left_open(matrix, kind, is_fitted):
    summary = summarise(np.array(matrix), kind=kind, is_fitted=is_fitted)
    assert summary.is_highly_variable is None
    assert summary.mean.tolist() == np.mean(matrix, axis=0).tolist()


def test_cells_without_counts_are_no_division_by_zero():
    summary = summarise(np.array([[0, 0, 0], [1, 2, 3], [4, 1, 0]]))
    assert summary.mean.tolist() == pytest.approx([5 / 3, 1, 1])
    assert summary.is_highly_variable is not None
