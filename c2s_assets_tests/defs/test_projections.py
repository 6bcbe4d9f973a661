"""Projections and the figures of features, built through Dagster from toy files."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest

from c2s_assets.core.projections import manifold
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.tables.parquet import read_footer
from c2s_assets_tests.defs.building import Workshop, broken, build_only, failures, files_below, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake


def add_obsm(layout: Layout, dataset_id: str, **arrays: Any) -> None:
    """Put arrays into obsm of a file in the inbox; one that is None is taken out."""
    with h5py.File(layout.inbox_h5ad(dataset_id), "a") as file:
        for name, values in arrays.items():
            if name in file["obsm"]:
                del file["obsm"][name]
            if values is not None:
                file["obsm"][name] = values


def read(workshop: Workshop, table: str) -> pl.DataFrame:
    return pl.read_parquet(workshop.layout.projections("toy") / f"{table}.parquet")


def figures_of(report: Any, asset: str) -> dict[str, Any]:
    return next(step.figures for step in report.steps if step.asset == asset)


def test_the_authors_are_exported_and_the_missing_ones_computed(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    umap = np.random.default_rng(1).normal(size=(60, 2)).astype(np.float32)
    add_obsm(layout, "toy", X_umap=umap, X_scVI=np.arange(180.0).reshape(60, 3))
    with open_workshop(layout) as workshop:
        report = workshop.build("toy", "projections")

        assert report.succeeded, failures(report)
        assert not [check for check in broken(report) if check.startswith("projections/")]
        cells = workshop.read("cell_metadata", "toy")["cell_id"]
        files = sorted(path.name for path in layout.projections("toy").iterdir())
        assert files == ["X_pca.parquet", "X_scVI.parquet", "X_tsne.parquet", "X_umap.parquet"]
        for name in files:
            table = read(workshop, name.removesuffix(".parquet"))
            assert table["cell_id"].equals(cells)
            assert set(table.drop("cell_id").dtypes) == {pl.Float32}
        assert np.array_equal(read(workshop, "X_umap").drop("cell_id").to_numpy(), umap)
        assert read(workshop, "X_scVI").row(1) == ("cell_0001", 3, 4, 5)

        shown = figures_of(report, "projections")
        assert "| X_scVI | author | 3 |  |" in shown["tables"]
        assert "| X_tsne | computed | 2 | 60 |" in shown["tables"]
        assert shown["dagster/row_count"] == 60
        assert 0 < shown["variance_explained_by_first"] < shown["variance_explained_by_all"] <= 1 + 1e-9
        for picture in ("embedding_by_age", "embedding_by_category", "variance_explained"):
            assert "(data:image/png;base64," in shown[picture]
            assert len(shown[picture]) < 200_000


@pytest.mark.parametrize("rows_per_block", [7, 100_000])
def test_the_block_of_cells_read_at_once_changes_no_byte(tmp_path: Path, rows_per_block: int) -> None:
    built = []
    for rows in (1024, rows_per_block):
        layout = make_lake(tmp_path / str(rows), "toy")
        with open_workshop(layout, rows_per_block=rows) as workshop:
            assert workshop.build("toy", "projections").succeeded
        files = files_below(layout.dataset("toy"))
        built.append({name: files[name] for name in files if "projections" in name or "feature" in name})

    assert built[0] == built[1]
    assert len(built[0]) == 4


def test_figures_of_features_are_those_of_the_counts(tmp_path: Path) -> None:
    import anndata as ad

    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", var={"n_cells": list(range(40)), "mean": 1.5})
    counts = ad.read_h5ad(layout.inbox_h5ad("toy")).raw.X.toarray()
    with open_workshop(layout) as workshop:
        assert workshop.build("toy", "feature_metadata").succeeded
        features = workshop.read("feature_metadata", "toy")

    assert features["n_cells"].to_list() == (counts != 0).sum(axis=0).tolist()
    assert np.allclose(features["mean"].to_numpy(), counts.mean(axis=0), rtol=1e-6)
    assert features["is_highly_variable"].null_count() == 0
    assert features["is_highly_variable"].any()
    assert features["n_cells_in_source"].to_list() == list(range(40))
    assert features["mean_in_source"].to_list() == [1.5] * 40


def test_the_authors_components_are_what_the_map_is_made_of(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    add_obsm(layout, "toy", PCA=np.random.default_rng(0).normal(size=(60, 4)))
    with open_workshop(layout) as workshop:
        report = workshop.build("toy", "projections")
        footer = read_footer(layout.projections("toy") / "X_tsne.parquet")

    assert report.succeeded
    assert footer["computed_from"] == "X_PCA (author), first 4 axes"
    assert not (layout.projections("toy") / "X_pca.parquet").exists()


def test_without_the_extra_libraries_all_but_the_maps_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifold, "is_installed", lambda _: False)
    layout = make_lake(tmp_path, "toy")
    add_obsm(layout, "toy", X_umap=None)
    with open_workshop(layout) as workshop:
        report = workshop.build("toy")
        files = [path.name for path in layout.projections("toy").iterdir()]

    assert report.succeeded
    assert files == ["X_pca.parquet"]
    message = next(c.message for c in report.broken if c.claim == "projections_are_complete")
    assert message.count("pip install 'c2s-assets[projections]'") == 2


def test_a_dataset_of_one_cell_has_no_projections(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", n_obs=1)
    add_obsm(layout, "toy", X_umap=None)
    with open_workshop(layout) as workshop:
        report = workshop.build("toy", "projections")

    assert "projections" not in failures(report)
    assert "projections/projections_are_complete" in broken(report)
    assert not layout.projections("toy").exists()


def test_cells_of_test_have_no_part_in_components_of_train(tmp_path: Path) -> None:
    """The values of a test donor are multiplied; nothing that is fitted on train may change."""
    tables = []
    for factor in (1, 50):
        layout = make_lake(tmp_path / str(factor), "toy")
        layout.settings.write_text("projections: {fit_scope: train}\nsplit: {test_size: 0.25}\n")
        with open_workshop(layout) as workshop:
            assert workshop.build("toy", "projections", "split_manifest").succeeded
            if factor != 1:
                in_test = set(tables[0][3].filter(pl.col("split") == "test")["donor_id"])
                donors = workshop.read("cell_metadata", "toy")["donor_id"].is_in(in_test).to_numpy()
                drop_toy_h5ad(layout, "toy")
                _multiply(layout.inbox_h5ad("toy"), rows=donors, factor=factor)
                assert workshop.build("toy", "projections", "split_manifest").succeeded
            footer: Any = read_footer(layout.projections("toy") / "X_pca.parquet")
            features = workshop.read("feature_metadata", "toy")
            tables.append((footer, features, read(workshop, "X_pca"), workshop.read("split_manifest", "toy")))

    (footer, features, scores, manifest), (footer_2, features_2, scores_2, _) = tables
    n_train = manifest.filter(pl.col("split") == "train")["n_cells"].sum()
    assert (footer["fit_scope"], footer["n_fitted"]) == ("train", n_train)
    assert n_train < 60
    assert footer["explained_variance"] == footer_2["explained_variance"]
    assert features["is_highly_variable"].equals(features_2["is_highly_variable"])
    assert not features["mean"].equals(features_2["mean"])
    in_test = (
        pl.Series([row % 4 for row in range(60)])
        .cast(pl.String)
        .is_in(
            [name.removeprefix("donor_") for name in manifest.filter(pl.col("split") == "test")["donor_id"]]
        )
    )
    assert scores.filter(~in_test).equals(scores_2.filter(~in_test))
    assert not scores.filter(in_test).equals(scores_2.filter(in_test))


def test_features_chosen_in_another_scope_are_refused(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        assert workshop.build("toy", "projections").succeeded
        layout.settings.write_text("projections: {fit_scope: train}\n")
        result = build_only(workshop, "toy", "projections")

    failure = result.failure_data_for_node("projections")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "feature_metadata is outdated: projections.fit_scope is 'train' now, was 'all'. Build" in (
        failure.user_failure_data.description or ""
    )


def test_the_cell_type_that_the_owner_names_is_the_one_that_is_drawn(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    types = ["muscle", "nerve", "fat"] * 20
    drop_toy_h5ad(layout, "toy", obs={"cell_type": None, "annotation_level0": types})
    layout.settings.write_text("datasets: {toy: {cell_type_column: annotation_level0}}\n")
    with open_workshop(layout) as workshop:
        report = workshop.build("toy", "projections")
        cells = workshop.read("cell_metadata", "toy")

    assert report.succeeded
    assert cells["cell_type"].to_list() == cells["annotation_level0"].to_list() == types
    assert "UMAP by cell_type" in figures_of(report, "projections")["embedding_by_category"]
    lineage = figures_of(report, "cell_metadata")["dagster/column_lineage"].deps_by_column
    assert lineage["cell_type"][0].column_name == "obs/annotation_level0"


def _multiply(path: Path, *, rows: Any, factor: int) -> None:
    with h5py.File(path, "r+") as file:
        matrix = file["raw/X"]
        row_of = np.repeat(np.arange(60), np.diff(matrix["indptr"][:]))
        values = matrix["data"][:]
        is_odd = matrix["indices"][:] % 2 == 1
        values[rows[row_of] & is_odd] *= factor
        matrix["data"][:] = values
