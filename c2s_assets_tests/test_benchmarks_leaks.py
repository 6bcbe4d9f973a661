"""The benchmarks of copies plant what they say, find it, and time what fingerprints cost."""

from pathlib import Path

import anndata as ad
import numpy as np
import polars as pl
import pytest

from benchmarks.atlas import write_atlas
from benchmarks.fingerprints import write_fingerprints
from benchmarks.leaks import compare
from benchmarks.planted import CLASSES, N_ALIASES, choose_aliases, plant
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.storage.leaks.planting import renew_lake

N_DATASETS = 20


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = plant(tmp_path_factory.mktemp("lake"), n_cells=20_000, n_datasets=N_DATASETS)
    renew_lake(layout)
    return layout


def test_aliases_and_copies_are_found_and_nothing_else(lake: Layout) -> None:
    found = compare(lake, choose_aliases(N_DATASETS))
    assert (found.n_aliases, found.n_false_aliases, found.n_false_copies) == (N_ALIASES, 0, 0)
    assert all(found.recall[name] >= 0.99 for name in CLASSES if name != "15 %")
    assert found.recall["15 %"] >= 0.8


def test_no_donor_is_in_two_aliases() -> None:
    aliases = choose_aliases(N_DATASETS)
    assert len({alias.donor_uids for alias in aliases}) == N_ALIASES
    assert {alias.what_became for alias in aliases} == set(CLASSES)


def test_the_fingerprints_that_are_timed_are_those_of_the_cells(tmp_path: Path) -> None:
    source = write_atlas(tmp_path / "atlas.h5ad", n_obs=200, n_vars=3000)
    write_fingerprints(source, tmp_path / "fingerprints.parquet")
    found = pl.read_parquet(tmp_path / "fingerprints.parquet")
    cells = ad.read_h5ad(source)
    assert found["cell_id"].to_list() == cells.obs_names.tolist()
    assert found["n_genes"].to_list() == np.diff(cells.X.indptr).tolist()
