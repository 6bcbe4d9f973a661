"""The published atlas of the benchmark has the donors, groups and cell types of the original."""

import anndata as ad
import numpy as np
import pytest

from benchmarks import muscle, published
from benchmarks.published import Measured, render


@pytest.mark.slow
def test_at_full_size_every_group_and_type_has_as_many_cells_as_in_the_original(tmp_path):
    path = muscle.write_published_atlas(tmp_path / "atlas.h5ad", n_vars=20)
    obs = ad.read_h5ad(path, backed="r").obs

    assert len(obs) == muscle.N_OBS == published.N_OBS == 183_161
    assert obs["Age_group"].value_counts().to_dict() == {
        group: n_cells for group, (n_cells, _) in muscle._AGE_GROUPS.items()
    }
    assert obs["annotation_level0"].value_counts().to_dict() == muscle._CELL_TYPES
    assert [obs[f"annotation_level{level}"].nunique() for level in (0, 1, 2)] == [36, 43, 82]
    donors = obs.groupby("DonorID", observed=True)["Age_group"]
    assert (len(donors), donors.nunique().max()) == (17, 1)
    for coarse, fine in (
        ("annotation_level0", "annotation_level1"),
        ("annotation_level1", "annotation_level2"),
    ):
        assert obs.groupby(fine, observed=True)[coarse].nunique().max() == 1


def test_it_is_as_sparse_as_the_original_and_has_its_embeddings(tmp_path):
    source = ad.read_h5ad(muscle.write_published_atlas(tmp_path / "atlas.h5ad", n_obs=500, n_vars=3_000))

    assert 1 - source.X.nnz / np.prod(source.shape) == pytest.approx(0.9541, abs=0.005)
    assert {name: values.shape for name, values in source.obsm.items()} == {
        "X_scVI": (500, 30),
        "X_umap": (500, 2),
    }
    np.testing.assert_array_equal(source.var["n_cells"], (source.X > 0).sum(axis=0).A1)


def test_the_report_gives_each_step_its_peak_and_each_table_its_size_beside_the_originals(tmp_path):
    for name, size in (("expression/part-00000.parquet", 7), ("expression/part-00001.parquet", 8)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size * 100_000))
    (tmp_path / "projections").mkdir()
    (tmp_path / "projections" / "X_umap.parquet").write_bytes(bytes(250_000))
    samples = [(1.0, 10_000_000), (2.0, 90_000_000), (3.0, 20_000_000)]
    built = Measured(61.0, 95_000_000, samples, "  3 of 4 checks hold\n  note   a/b: c\n")
    steps = {"first": (0.5, 1.5), "second": (1.6, 3.5), "third": (3.6, 3.7)}

    lines = render(10, Measured(1.0, 0, [], ""), built, steps, tmp_path).splitlines()

    assert "| first | 1.0 | 10 |" in lines
    assert "| second | 1.9 | 90 |" in lines
    assert "| third | 0.1 |  |" in lines
    assert "| expression | 1.50 | expression | 1,493 |" in lines
    assert "| projections/X_umap.parquet | 0.25 | projection_X_umap | 4.1 |" in lines
    assert "  note   a/b: c" in lines
