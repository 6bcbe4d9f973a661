import pytest

from c2s_assets.core.expression.memory import predict_memory_bytes

ATLAS = {"n_obs": 183_161, "n_stored": 183_161 * 1430, "rows_per_block": 4096, "rows_per_group": 8192}


def predicted(**changes):
    return predict_memory_bytes(**(ATLAS | changes))


def test_a_real_atlas_is_predicted_to_fit_the_budget_of_sentences():
    assert 0.4e9 < predicted() < 1.0e9 + 0.2e9


def test_memory_is_nearly_flat_in_the_number_of_cells():
    ten_times = predicted(n_obs=10 * ATLAS["n_obs"], n_stored=10 * ATLAS["n_stored"])
    assert ten_times - predicted() == pytest.approx(9 * ATLAS["n_obs"] * 200)


@pytest.mark.parametrize(
    "change",
    [{"n_stored": 2 * ATLAS["n_stored"]}, {"rows_per_block": 8192}],
    ids=["fuller cells", "larger blocks"],
)
def test_memory_grows_with_the_values_of_a_block(change):
    assert predicted(**change) - predicted() == pytest.approx(4096 * 1430 * 80, rel=1e-6)


def test_one_empty_cell_costs_what_starting_costs():
    assert predicted(n_obs=1, n_stored=0) == pytest.approx(350 * 2**20, rel=0.01)


def test_a_block_larger_than_the_dataset_costs_no_more_than_the_dataset():
    assert predicted(n_obs=10, n_stored=100, rows_per_block=10**9) == predicted(
        n_obs=10, n_stored=100, rows_per_block=10
    )
