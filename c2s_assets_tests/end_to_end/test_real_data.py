"""Real data sets, where the folder beside the checkout has them."""

from pathlib import Path

import polars as pl
import pytest

from c2s_assets.core.projections import manifold
from c2s_assets_tests.defs.building import broken, failures, open_workshop
from c2s_assets_tests.toy import make_lake

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.exists(), reason="the folder of real data sets is not there"),
]

# None of them names donors or ages; what is left is said of each.
_NO_DONORS = {
    "cell_metadata/donors_are_known",
    "cell_metadata/ages_are_known",
    "split_manifest/splits_by_donor",
    "split_manifest/ages_are_balanced",
    "train_test/cells_have_ages",
    "pseudobulk/donors_are_known",
    "pseudocells/donors_are_known",
    "training_prompts/every_task_has_prompts",
    "validation_report/checks_hold",
}
# Without counts no copy of a cell is found, and nothing is added up.
_NO_COUNTS = {
    "cell_fingerprints/cells_have_counts",
    "pseudobulk/values_are_counts",
    "pseudocells/values_are_counts",
}
# UMAP and t-SNE of more are not asserted here, and take minutes.
_MOST_CELLS_EMBEDDED = 1_000
_LARGER = {"cell_sentences/cells_express_genes", "projections/projections_are_complete"}


@pytest.mark.parametrize(
    ("dataset_id", "n_cells", "verdict", "notes"),
    [
        ("pbmc68k_reduced", 700, ("raw.X", "normalised"), _NO_COUNTS),
        (
            "e18_mouse_brain_10k_cells_1k_genes",
            10_000,
            ("X", "counts"),
            _LARGER,
        ),
        ("mouse_3T3_C414_2500_cells", 2_500, ("X", "counts"), _LARGER),
        ("visium_mouse_brain_49spots", 49, ("X", "normalised"), _NO_COUNTS),
    ],
)
def test_a_real_dataset_is_built_whole(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    dataset_id: str,
    n_cells: int,
    verdict: tuple[str, str],
    notes: set[str],
) -> None:
    if n_cells > _MOST_CELLS_EMBEDDED:
        monkeypatch.setattr(manifold, "is_installed", lambda _: False)
    layout = make_lake(tmp_path)
    layout.inbox_h5ad(dataset_id).write_bytes((DATA / f"{dataset_id}.h5ad").read_bytes())
    with open_workshop(layout) as workshop:
        report = workshop.build(dataset_id)
        sentences = workshop.read("cell_sentences", dataset_id)
        features = workshop.read("feature_metadata", dataset_id)
        listed = workshop.train_test(dataset_id)

    assert report.succeeded, failures(report)
    assert broken(report) == _NO_DONORS | notes
    profile = next(step.figures for step in report.steps if step.asset == "dataset_profile")
    assert (profile["layer"], profile["verdict"]) == verdict
    assert sentences.height == listed.height == n_cells
    words = sentences["cell_sentence"].str.split(" ").list
    assert (words.n_unique() == words.len()).all()
    assert set(words.explode().unique()) - {""} <= set(features["symbol"].drop_nulls())
    if dataset_id in _OF_FEATURES:
        _OF_FEATURES[dataset_id](features)


def _tells_two_features_of_one_symbol_apart(features: pl.DataFrame) -> None:
    found = features.filter(pl.col("symbol") == "Rp1")["feature_id"].to_list()
    assert found == ["ENSMUSG00000025900", "ENSMUSG00000109048"]


def _knows_that_intron_and_exon_are_one_gene(features: pl.DataFrame) -> None:
    assert features.height == 31_269
    # 140 of the 21,123 names in gene_symbol, of 158 features, are Ensembl ids of genes without a symbol.
    assert features["symbol"].null_count() == 158
    assert features["symbol"].drop_nulls().n_unique() == 21_123 - 140
    assert features["is_duplicated_symbol"].sum() == 20_239


_OF_FEATURES = {
    "e18_mouse_brain_10k_cells_1k_genes": _tells_two_features_of_one_symbol_apart,
    "mouse_3T3_C414_2500_cells": _knows_that_intron_and_exon_are_one_gene,
}
