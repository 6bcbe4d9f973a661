import re

import anndata as ad
import h5py
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from c2s_assets.core.errors import ConfigError
from c2s_assets.simulate import CELL_TYPES, simulate_h5ad

N_OBS, N_VARS = 300, 500


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return simulate_h5ad(tmp_path_factory.mktemp("sim") / "sim.h5ad", n_obs=N_OBS, n_vars=N_VARS)


@pytest.fixture(scope="module")
def adata(path):
    return ad.read_h5ad(path)


def test_the_file_says_that_it_is_simulated(adata):
    assert adata.uns["title"].startswith("Simulated")
    assert "Simulated by c2s_assets" in adata.uns["citation"]
    assert "doi" not in adata.uns["citation"].lower()
    assert adata.uns["organism_ontology_term_id"] == "NCBITaxon:9606"


def test_matrices_are_gzip_csr_float32(path):
    with h5py.File(path) as file:
        for group in (file["X"], file["raw/X"]):
            assert group.attrs["encoding-type"] == "csr_matrix"
            assert tuple(group.attrs["shape"]) == (N_OBS, N_VARS)
            assert (group["data"].dtype, group["data"].compression) == (np.float32, "gzip")
            assert group["indices"].dtype == np.int32
            assert group["data"].chunks is not None


def test_raw_holds_counts_and_x_their_log(adata):
    counts = adata.raw.X.toarray()
    assert (counts == np.round(counts)).all()
    assert (counts.sum(axis=1) >= 10).all()
    expected = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 10_000)
    expected[:, adata.var["feature_is_filtered"]] = 0
    np.testing.assert_allclose(adata.X.toarray(), expected, rtol=1e-6)
    assert (adata.X.data > 0).all()


def test_default_sizes_would_express_about_1400_genes(tmp_path):
    path = simulate_h5ad(tmp_path / "sim.h5ad", n_obs=100, n_vars=20_000)
    n_expressed = np.diff(ad.read_h5ad(path).raw.X.indptr)
    assert 1_200 < n_expressed.mean() < 1_600


def test_cells_are_named_once_and_donors_differ_in_size(adata):
    assert adata.obs_names.is_unique
    sizes = adata.obs["donor_id"].value_counts()
    assert len(sizes) == 17
    assert sizes.max() > 2 * sizes.min()
    assert set(adata.obs["cell_type"]) == set(CELL_TYPES)
    assert len(CELL_TYPES) == 36


def test_stages_are_those_of_hsapdv(adata):
    stages = adata.obs[["development_stage", "development_stage_ontology_term_id"]].drop_duplicates()
    ages = set()
    for label, term in stages.itertuples(index=False):
        if label == "unknown":
            assert term == "unknown"
            continue
        age = int(re.fullmatch(r"(\d+)-year-old stage", label)[1])
        assert term == f"HsapDv:{age + 94:07d}"
        ages.add(age)
    assert (min(ages), max(ages)) == (15, 75)


def test_a_donor_has_one_age_sex_and_tissue(adata):
    known = adata.obs[adata.obs["development_stage"] != "unknown"]
    donors = known.groupby("donor_id", observed=True)
    assert (donors[["development_stage", "sex", "tissue", "assay"]].nunique() == 1).all(axis=None)


def test_some_cells_lack_a_stage_and_some_are_not_primary(adata):
    assert 0 < (adata.obs["development_stage"] == "unknown").sum() < N_OBS / 20
    assert 0 < (~adata.obs["is_primary_data"]).sum() < N_OBS / 10


def test_features_hold_the_cases_that_make_symbols_hard(adata):
    names, ids = adata.var["feature_name"].astype(str), adata.var_names
    assert all(re.fullmatch(r"ENSG00099\d{6}", i) for i in ids)
    assert (names.to_numpy() == ids).sum() == 5
    assert names.str.fullmatch(r"SIMG\d+_ENSG\d{11}").sum() == 5
    assert names.duplicated().sum() == 3
    assert names.str.fullmatch(r"SIMG\d+").sum() == N_VARS - 10


def test_layout_keeps_cell_types_apart(adata):
    layout = adata.obsm["X_umap"]
    assert (layout.dtype, layout.shape) == (np.float32, (N_OBS, 2))
    within = [
        layout[adata.obs["cell_type"] == cell_type].std(axis=0).mean()
        for cell_type in adata.obs["cell_type"].unique()
    ]
    assert np.mean(within) < layout.std(axis=0).mean() / 5


def test_expression_tells_cell_type_and_age(tmp_path):
    """Guards the point of the example: without either signal nothing can be learned from it."""
    path = simulate_h5ad(tmp_path / "sim.h5ad", n_obs=1_000, n_vars=5_000, n_donors=20, n_cell_types=4)
    adata = ad.read_h5ad(path)
    age = adata.obs["development_stage"].astype(str).str.extract(r"^(\d+)")[0].astype(float)
    per_donor = _mean_expression(adata.raw.X, adata.obs["donor_id"].cat.codes)
    donor_age = age.groupby(adata.obs["donor_id"], observed=True).median()
    correlation = [np.corrcoef(gene, donor_age)[0, 1] for gene in per_donor.T if gene.mean() > 1e-4]
    assert (np.abs(correlation) > 0.85).sum() > 5  # of 20 donors, chance gives one in 700,000 genes
    per_type = _mean_expression(adata.raw.X, adata.obs["cell_type"].cat.codes)
    assert (per_type.max(axis=0) > 4 * np.median(per_type, axis=0)).sum() > 5


def _mean_expression(counts: csr_matrix, group: np.ndarray) -> np.ndarray:
    groups = csr_matrix((np.ones(len(group)), (group, np.arange(len(group)))))
    sums = (groups @ counts).toarray()
    return sums / sums.sum(axis=1, keepdims=True)


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    sizes = {"n_obs": 60, "n_vars": 80, "n_donors": 3, "n_cell_types": 4}
    first, again = (simulate_h5ad(tmp_path / f"{i}.h5ad", **sizes) for i in range(2))
    other = simulate_h5ad(tmp_path / "other.h5ad", **sizes, seed=1)
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()


def test_the_smallest_dataset_is_one_cell_and_one_feature(tmp_path):
    path = simulate_h5ad(tmp_path / "one.h5ad", n_obs=1, n_vars=1, n_donors=1, n_cell_types=1)
    assert ad.read_h5ad(path).shape == (1, 1)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n_obs": 0}, "n_obs is 0"),
        ({"n_vars": -1}, "n_vars is -1"),
        ({"n_obs": 20, "n_donors": 21}, "n_donors is 21. Set it between 1 and 20"),
        ({"n_cell_types": 37}, "n_cell_types is 37. Set it between 1 and 36"),
    ],
    ids=["no cells", "negative features", "more donors than cells", "more cell types than names"],
)
def test_sizes_that_cannot_be_are_refused(tmp_path, sizes, message):
    with pytest.raises(ConfigError, match=message):
        simulate_h5ad(tmp_path / "sim.h5ad", **sizes)
    assert not list(tmp_path.iterdir())
