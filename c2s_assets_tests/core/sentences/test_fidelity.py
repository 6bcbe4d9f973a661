import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from c2s_assets.core.sentences.fidelity import as_row, measure_fidelity


def some_counts(n_obs=40, n_vars=30):
    """Counts of which no two of a cell are equal, so that ranks do not depend on chance."""
    rng = np.random.default_rng(0)
    rows = [rng.permutation(np.arange(n_vars) * (np.arange(n_vars) % 3 > 0)) for _ in range(n_obs)]
    return csr_array(np.array(rows, np.float32))


def test_ranks_on_a_line_recover_all():
    ranks = np.log10(1 + np.arange(5))
    found = measure_fidelity(csr_array([5 - 2 * ranks]), is_counts=False, seed=0)
    assert (found.slope, found.intercept, found.r_squared) == pytest.approx((-2, 5, 1))
    assert (found.pearson_r, found.spearman_r) == pytest.approx((1, 1))


def test_counts_are_normalised_to_ten_thousand():
    found = measure_fidelity(csr_array([[3.0, 1.0, 0.0]]), is_counts=True, seed=0)
    assert sorted(found.expression) == pytest.approx([np.log10(2501), np.log10(7501)])
    assert found.log_rank.tolist() == pytest.approx([0, np.log10(2)])


def test_the_line_is_fitted_to_the_first_999_ranks():
    values = np.concatenate([3 - np.log10(1 + np.arange(999)) / 2, np.full(500, 0.01)])
    found = measure_fidelity(csr_array([values]), is_counts=False, seed=0)
    assert (found.slope, found.intercept) == pytest.approx((-0.5, 3))
    assert found.r_squared < 0.99


def test_the_order_of_equals_is_chance_and_the_seed_s():
    equal = csr_array(np.array([[2, 1, 1, 1, 1, 1, 1]], np.float32))
    ranks = [measure_fidelity(equal, is_counts=True, seed=seed).log_rank.tolist() for seed in (0, 0, 1)]
    assert ranks[0] == ranks[1] != ranks[2]
    assert ranks[0] != sorted(ranks[0])


@pytest.mark.parametrize("cells", [[[0.0, 0.0]], [[1.0, 0.0]], [[1.0, 1.0]]])
def test_where_there_is_nothing_to_tell_there_is_no_row(cells):
    assert as_row(measure_fidelity(csr_array(cells), is_counts=True, seed=0), n_cells=1).is_empty()


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:Saving|Filename")  # plotnine says where it saves
def test_figures_are_those_of_cell2sentence(tmp_path, monkeypatch):
    from cell2sentence import utils

    # It calls a method of what scikit-learn has returned as a plain number since 1.6.
    r2_score = utils.metrics.r2_score
    monkeypatch.setattr(utils.metrics, "r2_score", lambda *values: np.float64(r2_score(*values)))
    counts = some_counts()
    found = measure_fidelity(counts, is_counts=True, seed=0)
    normalised = counts.multiply(1 / counts.sum(axis=1)[:, None] * 10_000).tocsr().log1p() / np.log(10)
    utils.benchmark_expression_conversion(str(tmp_path), "toy", normalised.asformat("csr"))
    said = pl.read_csv(tmp_path / "toy_benchmark" / "c2s_transformation_metrics.csv").row(0, named=True)
    for name in ("slope", "intercept", "r_squared"):
        assert getattr(found, name) == pytest.approx(said[name], rel=1e-5)
    assert found.pearson_r == pytest.approx(said["pearson_r_statistic"], rel=1e-5)
    assert found.spearman_r == pytest.approx(said["spearman_r_statistic"], rel=1e-5)
