"""The benchmark of batches measures what it says."""

import subprocess
import sys

import numpy as np
import pytest

from benchmarks import batch_loaders, batches


def test_batches_of_one_label_have_no_entropy_and_random_ones_all_of_it():
    labels = np.repeat(np.arange(8), 512)
    sorted_ones = np.split(labels, 64)
    random_ones = np.split(np.random.default_rng(1).permutation(labels), 64)
    assert batch_loaders.entropy_of(sorted_ones) == 0
    assert batch_loaders.entropy_of(random_ones) == pytest.approx(1, abs=0.02)


@pytest.mark.slow
def test_ours_draws_the_cells_that_were_prepared_and_the_report_has_them(tmp_path):
    batches.prepare(tmp_path, n_obs=300)
    ran = batches.run(sys.executable, "ours", tmp_path)
    n_train = ran["n_cells"] // 2
    assert 200 < n_train < 300
    report = batches.render({"ours": [ran], "annbatch": [{**ran, "seconds": ran["seconds"] * 2}]})
    assert "| annbatch |" in report
    assert "| 0.50 |" in report
    assert f"{n_train:,} cells, twice, of " in report


def test_a_library_that_fails_is_no_result(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        batches.run(sys.executable, "ours", tmp_path)
