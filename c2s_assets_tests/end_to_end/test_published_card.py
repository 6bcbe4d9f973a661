"""What the card of a published atlas does with its files, done with ours: docs/published_card.md.

The card is that of the human skeletal muscle ageing atlas, longevity-db/skeletal-muscle-atlas on Hugging
Face. An atlas of its shape, simulated and smaller, goes through the whole pipeline; then pandas reads the
tables as a reader of the card would. Whatever is asserted is computed from the source with anndata.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from benchmarks.muscle import write_published_atlas
from benchmarks.published import DATASET_ID, SETTINGS
from c2s_assets.core.splits.sides import ALL_SIDES, SIDES
from c2s_assets.schemas.documents import ValidationReport
from c2s_assets.storage.lake.documents import read_document
from c2s_assets_tests.defs.building import failures, open_workshop
from c2s_assets_tests.toy import make_lake

pytestmark = pytest.mark.slow

N_OBS, N_VARS = 1_000, 400
EMBEDDINGS = {"X_pca": 50, "X_umap": 2, "X_tsne": 2, "X_scVI": 30}
# Middle of the group, as the card's `age_numeric`.
AGES = {
    "15-20": 17.5,
    "20-25": 22.5,
    "25-30": 27.5,
    "35-40": 37.5,
    "50-55": 52.5,
    "55-60": 57.5,
    "60-65": 62.5,
    "70-75": 72.5,
}


@dataclass(frozen=True)
class Card:
    """The folder that was built, its tables as pandas reads them, and the source."""

    folder: Path
    expression: pd.DataFrame
    metadata: pd.DataFrame
    features: pd.DataFrame
    projections: dict[str, pd.DataFrame]
    source: ad.AnnData


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Card:
    """Build the atlas with no more than its entry in datasets.yaml, and load it as the card does."""
    layout = make_lake(tmp_path_factory.mktemp("published"))
    write_published_atlas(layout.inbox_h5ad(DATASET_ID), n_obs=N_OBS, n_vars=N_VARS)
    layout.settings.write_text(SETTINGS)
    with open_workshop(layout) as workshop:
        report = workshop.build(DATASET_ID)
    assert report.succeeded, failures(report)

    folder = layout.dataset(DATASET_ID)
    return Card(
        folder=folder,
        expression=pd.read_parquet(folder / "expression_matrix").set_index("cell_id"),
        metadata=pd.read_parquet(folder / "cell_metadata.parquet").set_index("cell_id"),
        features=pd.read_parquet(folder / "feature_metadata.parquet").set_index("symbol"),
        projections={
            name: pd.read_parquet(folder / "projections" / f"{name}.parquet").set_index("cell_id")
            for name in EMBEDDINGS
        },
        source=ad.read_h5ad(layout.raw_h5ad(DATASET_ID)),
    )


def dense(source: ad.AnnData) -> np.ndarray:
    return source.X.toarray()


def test_the_files_have_the_shapes_that_the_card_states(card: Card) -> None:
    assert card.expression.shape == (N_OBS, N_VARS)
    assert (card.expression.dtypes == np.float32).all()
    assert card.metadata["DonorID"].nunique() == 17
    assert card.metadata["Age_group"].nunique() == 8
    assert card.features.shape[0] == N_VARS
    assert {name: table.shape for name, table in card.projections.items()} == {
        name: (N_OBS, n_dims) for name, n_dims in EMBEDDINGS.items()
    }
    assert list(card.projections["X_umap"].columns) == ["UMAP1", "UMAP2"]
    # The card's own columns are all there, under their own names but for one that is curated in lower case.
    own = {"Sex": "Sex_in_source"}
    assert {own.get(name, name) for name in card.source.obs.columns} <= set(card.metadata.columns)
    sparsity = float((card.expression == 0).to_numpy().mean())
    assert sparsity == pytest.approx(1 - card.source.X.nnz / (N_OBS * N_VARS))


def test_the_expression_is_that_of_the_source(card: Card) -> None:
    assert card.expression.index.tolist() == card.source.obs_names.tolist()
    assert card.expression.columns.tolist() == card.source.var["SYMBOL"].tolist()
    np.testing.assert_array_equal(card.expression.to_numpy(), dense(card.source))


def test_every_table_has_the_same_cells_in_the_same_order(card: Card) -> None:
    """The card asserts `all(a.index == b.index == c.index)`, which raises on any files, its own included."""
    tables = [card.expression, card.metadata, *card.projections.values()]
    assert all(table.index.equals(tables[0].index) for table in tables)
    assert tables[0].index.is_unique
    for path in card.folder.rglob("*.parquet"):
        schema = pq.read_schema(path)
        assert "__index_level_0__" not in schema.names
        assert b"pandas" not in (schema.metadata or {})


def test_top_expressed_genes(card: Card) -> None:
    found = card.expression.sum().nlargest(10)

    sums = dense(card.source).sum(axis=0)
    expected = np.sort(sums)[::-1][:10]
    np.testing.assert_allclose(found.to_numpy(), expected)
    of_gene = dict(zip(card.source.var["SYMBOL"], sums, strict=True))
    assert [of_gene[gene] for gene in found.index] == pytest.approx(list(found))


def test_young_and_old_muscle_are_compared(card: Card) -> None:
    young = card.metadata[card.metadata["age"] <= 30].index
    old = card.metadata[card.metadata["age"] >= 60].index
    young_mean, old_mean = card.expression.loc[young].mean(), card.expression.loc[old].mean()
    log2_fold_change = np.log2((old_mean + 1e-9) / (young_mean + 1e-9))
    age_genes = log2_fold_change.abs().nlargest(20)

    groups = card.source.obs["Age_group"].astype(str).to_numpy()
    is_young, is_old = np.isin(groups, ["15-20", "20-25", "25-30"]), np.isin(groups, ["60-65", "70-75"])
    assert (len(young), len(old)) == (is_young.sum(), is_old.sum())
    values = dense(card.source).astype(np.float64)
    expected = np.log2((values[is_old].mean(axis=0) + 1e-9) / (values[is_young].mean(axis=0) + 1e-9))
    np.testing.assert_allclose(log2_fold_change, expected, rtol=1e-4, atol=1e-4)
    assert age_genes.min() >= np.sort(np.abs(expected))[-20] - 1e-3


def test_ages_are_the_middles_of_the_age_groups(card: Card) -> None:
    expected = card.source.obs["Age_group"].astype(str).map(AGES)
    assert card.metadata["age"].tolist() == expected.tolist()
    assert (card.metadata["age_method"] == "age_group").all()
    assert card.metadata["donor_id"].tolist() == card.source.obs["DonorID"].astype(str).tolist()


def test_cell_type_proportions_by_age_group(card: Card) -> None:
    counts = card.metadata.groupby(["Age_group", "annotation_level0"]).size().unstack(fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0) * 100

    obs = card.source.obs.astype({"Age_group": str, "annotation_level0": str})
    for group, of_group in obs.groupby("Age_group"):
        expected = of_group["annotation_level0"].value_counts() / len(of_group) * 100
        assert shares.loc[group][shares.loc[group] > 0].to_dict() == pytest.approx(expected.to_dict())
    assert card.metadata["cell_type"].tolist() == obs["annotation_level0"].tolist()


def test_stem_cells_and_fibre_types_by_age(card: Card) -> None:
    stem_cells = card.metadata[card.metadata["annotation_level0"] == "MuSC"].groupby("Age_group").size()
    fibres = card.metadata[card.metadata["annotation_level0"].str.contains("MF-", na=False)]
    counts = fibres.groupby(["Age_group", "annotation_level0"]).size().unstack(fill_value=0)
    ratio = counts["MF-I"] / (counts["MF-I"] + counts["MF-II"])

    obs = card.source.obs
    for group in ("15-20", "70-75"):
        types = obs.loc[obs["Age_group"] == group, "annotation_level0"].astype(str)
        assert stem_cells[group] == (types == "MuSC").sum() > 0
        n_slow, n_fast = (types == "MF-I").sum(), (types == "MF-II").sum()
        assert ratio[group] == n_slow / (n_slow + n_fast)


def test_embeddings_of_the_source_are_exported_untouched(card: Card) -> None:
    for name in ("X_scVI", "X_umap"):
        np.testing.assert_array_equal(card.projections[name].to_numpy(), card.source.obsm[name])


def test_umap_is_joined_with_metadata_and_drawn(card: Card, tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    umap = card.projections["X_umap"]
    cells = pd.concat([umap, card.metadata[["age", "annotation_level0"]]], axis=1)
    figure = Figure(figsize=(10, 4))
    by_age, by_type = figure.subplots(1, 2)
    drawn = by_age.scatter(cells["UMAP1"], cells["UMAP2"], c=cells["age"], cmap="viridis", s=1)
    for cell_type in card.metadata["annotation_level0"].value_counts().head(10).index:
        of_type = cells[cells["annotation_level0"] == cell_type]
        by_type.scatter(of_type["UMAP1"], of_type["UMAP2"], s=1, label=cell_type)
    by_type.legend()
    figure.savefig(tmp_path / "umap.png")

    assert len(cells) == N_OBS, "no row was added by a join that did not match"
    np.testing.assert_array_equal(np.asarray(drawn.get_offsets()), card.source.obsm["X_umap"])
    assert drawn.get_array().tolist() == card.source.obs["Age_group"].astype(str).map(AGES).tolist()
    assert len(by_type.collections) == 10
    assert (tmp_path / "umap.png").stat().st_size > 10_000


def test_features_have_symbols_and_how_many_cells_express_them(card: Card) -> None:
    assert card.features["SYMBOL_in_source"].tolist() == card.features.index.tolist()
    assert card.features["ENSEMBL"].tolist() == card.source.var["ENSEMBL"].tolist()
    n_cells = (dense(card.source) > 0).sum(axis=0)
    assert card.features["n_cells"].tolist() == n_cells.tolist()
    assert card.features["n_cells_in_source"].tolist() == card.source.var["n_cells"].tolist()
    assert (card.features["n_cells"] > N_OBS / 2).sum() == (n_cells > N_OBS / 2).sum()


def test_unstructured_metadata_is_json(card: Card) -> None:
    uns = json.loads((card.folder / "unstructured_metadata.json").read_text())
    assert uns["pca"]["params"]["n_comps"] == 50


def test_ready_for_machine_learning_without_a_donor_on_both_sides(card: Card) -> None:
    """The card splits cells at random, stratified by age group, so that every donor is on both sides."""
    train, validation, test = (pd.read_parquet(card.folder / side) for side in SIDES)
    assert len(train) + len(validation) + len(test) == N_OBS
    donors = [set(side["donor_uid"]) for side in (train, validation, test)]
    assert sum(map(len, donors)) == len(set.union(*donors))
    features = card.expression.loc[train["cell_id"]].to_numpy()
    assert features.shape == (len(train), N_VARS)
    assert train["age"].tolist() == card.metadata.loc[train["cell_id"], "age"].tolist()


def test_the_report_covers_what_the_cards_own_validation_tests(card: Card) -> None:
    report = read_document(card.folder / "validation_report.json", ValidationReport)

    assert (report.n_obs, report.n_vars) == (N_OBS, N_VARS)
    assert (report.summary.n_broken_error, report.summary.n_without_result) == (0, 0)
    assert report.tables is not None
    compared = {table.table: table for table in report.tables}
    assert {f"projections/{name}.parquet" for name in EMBEDDINGS} <= set(compared)
    assert {"expression", "expression_matrix", "cell_sentences", ALL_SIDES} <= set(compared)
    assert all(table.agrees and table.n_rows == N_OBS for table in compared.values())
    ranges = {(found.table, found.columns): found for found in report.ranges}
    values = ranges["expression", "value"]
    assert (values.min_value, values.max_value) == (card.source.X.data.min(), card.source.X.data.max())
    umap = ranges["projections/X_umap.parquet", "UMAP1 to UMAP2"]
    expected = card.source.obsm["X_umap"]
    assert (umap.min_value, umap.max_value) == (expected.min(), expected.max())
    assert (umap.n_missing, umap.n_not_finite) == (0, 0)
    ages = ranges["cell_metadata", "age"]
    assert (ages.min_value, ages.max_value, ages.n_missing) == (17.5, 72.5, 0)
    assert report.features is not None
    assert (report.features.frac_with_symbol, report.features.frac_with_ensembl_id) == (1.0, 1.0)
