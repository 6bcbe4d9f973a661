"""The folder of projections, written from small files with known coordinates."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest

from c2s_assets.core.projections import manifold
from c2s_assets.core.projections.reports import Comparison, Embedding, LeftOut
from c2s_assets.core.settings import DatasetEntry
from c2s_assets.storage.h5ad.source import H5ad, open_h5ad
from c2s_assets.storage.sources.profile import profile_h5ad
from c2s_assets.storage.tables import obsm as obsm_tables
from c2s_assets.storage.tables import projections
from c2s_assets.storage.tables.parquet import read_footer
from c2s_assets.storage.tables.projections import ProjectionFolder
from c2s_assets_tests.toy import write_toy_h5ad

N_OBS = 60


@contextmanager
def open_folder(
    tmp_path: Path, *, obsm: dict[str, Any], **options: Any
) -> Iterator[tuple[ProjectionFolder, H5ad]]:
    path = write_toy_h5ad(tmp_path / "toy.h5ad", **options)
    with h5py.File(path, "a") as file:
        del file["obsm/X_umap"]
        for name, values in obsm.items():
            file[f"obsm/{name}"] = values
    with open_h5ad(path) as h5ad:
        profile = profile_h5ad(
            h5ad, dataset_id="toy", source_sha256="0" * 64, entry=DatasetEntry(), rows_per_block=64
        )
        cells = pl.DataFrame(
            {
                "cell_id": [f"cell_{row:04d}" for row in range(h5ad.n_obs)],
                "donor_uid": [f"toy/donor_{row % 4}" for row in range(h5ad.n_obs)],
            }
        )
        yield ProjectionFolder(tmp_path / "out", cells, profile), h5ad


def coordinates(n_axes: int, *, dtype: str = "float32") -> Any:
    return np.random.default_rng(0).normal(0, 3, (N_OBS, n_axes)).astype(dtype)


def test_arrays_become_tables_with_the_values_they_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(obsm_tables, "_VALUES_PER_BLOCK", 35)  # seven rows of five
    scvi = coordinates(5)
    with open_folder(tmp_path, obsm={"X_scVI": scvi}) as (folder, h5ad):
        written, left_out = folder.export(h5ad)
        compared = folder.compare(h5ad, written)

    table = pl.read_parquet(tmp_path / "out" / "X_scVI.parquet")
    assert table.columns == ["cell_id", "SCVI1", "SCVI2", "SCVI3", "SCVI4", "SCVI5"]
    assert table["cell_id"][59] == "cell_0059"
    assert set(table.drop("cell_id").dtypes) == {pl.Float32}
    assert np.array_equal(table.drop("cell_id").to_numpy(), scvi)
    assert [(p.table, p.source, p.method) for p in written] == [("X_scVI", "author", None)]
    assert left_out == []
    assert compared == {"X_scVI": Comparison()}
    footer = read_footer(tmp_path / "out" / "X_scVI.parquet")
    assert footer["source"] == "author"
    assert footer["computed_from"] == "obsm/X_scVI"
    assert footer["source_sha256"] == "0" * 64


def test_more_digits_and_what_is_not_finite_are_counted(tmp_path: Path) -> None:
    values = np.zeros((N_OBS, 2))
    values[0] = (np.nan, np.inf)
    values[1] = (0.1, 1e300)
    with open_folder(tmp_path, obsm={"X_umap": values}) as (folder, h5ad):
        written, _ = folder.export(h5ad)
        compared = folder.compare(h5ad, written)

    assert compared == {"X_umap": Comparison(n_differ=0, n_not_finite=3, n_rounded=1)}
    table = pl.read_parquet(tmp_path / "out" / "X_umap.parquet")
    assert table.rows()[0] == ("cell_0000", None, None)
    assert table.rows()[1] == ("cell_0001", pytest.approx(0.1), None)


def test_a_table_that_was_changed_differs(tmp_path: Path) -> None:
    with open_folder(tmp_path, obsm={"X_umap": coordinates(2)}) as (folder, h5ad):
        written, _ = folder.export(h5ad)
        table = pl.read_parquet(folder.file("X_umap"))
        table.with_columns(UMAP1=pl.col("UMAP1") * pl.lit(2, pl.Float32)).write_parquet(folder.file("X_umap"))
        compared = folder.compare(h5ad, written)

    assert compared["X_umap"].n_differ == N_OBS


def test_more_axes_are_numbered_along_all_of_them(tmp_path: Path) -> None:
    images = np.arange(N_OBS * 4, dtype=np.uint8).reshape(N_OBS, 2, 2)
    with open_folder(tmp_path, obsm={"images": images}) as (folder, h5ad):
        folder.export(h5ad)

    table = pl.read_parquet(tmp_path / "out" / "X_images.parquet")
    assert table.row(1) == ("cell_0001", 4, 5, 6, 7)
    assert table.columns[1:] == ["IMAGES1_1", "IMAGES1_2", "IMAGES2_1", "IMAGES2_2"]


def test_arrays_without_or_with_too_many_coordinates_are_left_out(tmp_path: Path) -> None:
    obsm = {"empty": np.zeros((N_OBS, 0)), "wide": np.zeros((N_OBS, 5000), np.float32)}
    with open_folder(tmp_path, obsm=obsm) as (folder, h5ad):
        written, left_out = folder.export(h5ad)

    assert written == []
    assert [missing.name for missing in left_out] == ["obsm/empty", "obsm/wide"]
    assert "5,000 coordinates per cell" in left_out[1].reason
    assert not (tmp_path / "out").exists()


def add_pca(folder: ProjectionFolder, h5ad: H5ad, *, rows: int = 64, **options: Any) -> Embedding | LeftOut:
    n_vars = folder.profile.n_vars
    settings: dict[str, Any] = {
        "features": pl.Series([f"F{number}" for number in range(n_vars)]),
        "is_chosen": pl.Series([True] * n_vars),
        "is_fitted": np.ones(h5ad.n_obs, np.bool_),
        "fit_scope": "all",
    }
    matrix = h5ad.matrix(folder.profile.layer)
    return folder.add_pca(lambda: matrix.blocks(rows=rows), **(settings | options))


def test_components_are_written_with_what_they_explain(tmp_path: Path) -> None:
    with open_folder(tmp_path, obsm={}) as (folder, h5ad):
        is_chosen = pl.Series([number % 2 == 0 for number in range(40)])
        pca = add_pca(folder, h5ad, is_chosen=is_chosen)

    assert isinstance(pca, Embedding)
    table = pl.read_parquet(tmp_path / "out" / "X_pca.parquet")
    assert table.columns[1:] == [f"PCA{number}" for number in range(1, 21)]
    footer: Any = read_footer(tmp_path / "out" / "X_pca.parquet")
    variance = table.drop("cell_id").to_numpy().astype(np.float64).var(axis=0, ddof=1)
    assert footer["explained_variance"] == pytest.approx(variance, rel=1e-4)
    assert sum(footer["explained_variance_ratio"]) == pytest.approx(1)
    assert footer["features"] == [f"F{number}" for number in range(0, 40, 2)]
    assert (footer["source"], footer["method"], footer["n_fitted"]) == ("computed", "PCA", N_OBS)


@pytest.mark.parametrize(
    ("options", "pca_options", "reason"),
    [
        ({"matrices": "scaled X"}, {"is_chosen": pl.Series([None] * 40, dtype=pl.Boolean)}, "X holds scaled"),
        ({}, {"is_chosen": pl.Series([False] * 40)}, "no feature varies"),
        ({}, {"is_fitted": np.arange(N_OBS) == 0}, "need two cells, and 1 may"),
        ({}, {"is_fitted": np.zeros(N_OBS, np.bool_)}, "need two cells, and 0 may"),
    ],
    ids=["scaled", "nothing varies", "one cell", "no cell"],
)
def test_components_that_cannot_be_had_are_left_out_and_why(
    tmp_path: Path, options: Any, pca_options: Any, reason: str
) -> None:
    with open_folder(tmp_path, obsm={}, **options) as (folder, h5ad):
        pca = add_pca(folder, h5ad, **pca_options)

    assert isinstance(pca, LeftOut)
    assert reason in pca.reason
    assert not (tmp_path / "out").exists()


def add_tsne(folder: ProjectionFolder, base: Embedding, *, is_fitted: Any = True) -> Embedding | LeftOut:
    fitted = np.full(len(folder.cells), is_fitted, np.bool_) if is_fitted is True else is_fitted
    return folder.add_manifold("t-SNE", base, is_fitted=fitted, fit_scope="all", seed=0)


def test_some_cells_are_fitted_and_the_others_placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projections, "MOST_FITTED", 40)
    monkeypatch.setattr(projections, "_CELLS_PER_PLACING", 25)
    pca = coordinates(3)
    pca[7, 1] = np.nan
    with open_folder(tmp_path, obsm={"X_pca": pca}) as (folder, h5ad):
        written, _ = folder.export(h5ad)
        tsne = add_tsne(folder, written[0])

    assert isinstance(tsne, Embedding)
    assert tsne.n_fitted == 40
    table = pl.read_parquet(tmp_path / "out" / "X_tsne.parquet")
    assert table.columns == ["cell_id", "TSNE1", "TSNE2"]
    assert table["cell_id"].to_list() == [f"cell_{row:04d}" for row in range(N_OBS)]
    assert table["TSNE1"].is_null().arg_true().to_list() == [7]
    footer: Any = read_footer(tmp_path / "out" / "X_tsne.parquet")
    assert footer["computed_from"] == "X_pca (author), first 3 axes"
    assert footer["parameters"]["seed"] == 0
    assert footer["libraries"][0].startswith("openTSNE")
    assert footer["n_fitted"] == 40


def test_only_fitted_cells_shape_the_map(tmp_path: Path) -> None:
    with open_folder(tmp_path, obsm={"X_pca": coordinates(3)}) as (folder, h5ad):
        written, _ = folder.export(h5ad)
        tsne = add_tsne(folder, written[0], is_fitted=np.arange(N_OBS) < 45)

    assert isinstance(tsne, Embedding)
    assert tsne.n_fitted == 45
    assert pl.read_parquet(tmp_path / "out" / "X_tsne.parquet")["TSNE1"].null_count() == 0


@pytest.mark.parametrize(
    "pca",
    [coordinates(1), np.zeros((N_OBS, 3)), np.full((N_OBS, 3), np.nan)],
    ids=["one axis", "all alike", "not known"],
)
def test_a_map_of_nothing_is_left_out(tmp_path: Path, pca: Any) -> None:
    with open_folder(tmp_path, obsm={"X_pca": pca}) as (folder, h5ad):
        written, _ = folder.export(h5ad)
        tsne = add_tsne(folder, written[0])

    assert isinstance(tsne, LeftOut)
    assert "5 cells that differ along two axes" in tsne.reason


def test_without_the_library_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifold, "is_installed", lambda _: False)
    with open_folder(tmp_path, obsm={"X_pca": coordinates(3)}) as (folder, h5ad):
        written, _ = folder.export(h5ad)
        tsne = add_tsne(folder, written[0])

    assert tsne == LeftOut("t-SNE", manifold.HOW_TO_INSTALL)
    assert "pip install 'c2s-assets[projections]'" in manifold.HOW_TO_INSTALL


def test_columns_and_sparse_matrices_are_compared_too(tmp_path: Path) -> None:
    with open_folder(tmp_path, obsm={"line": np.arange(N_OBS, dtype=np.int16)}) as (folder, h5ad):
        written, left_out = folder.export(h5ad)
        assert (folder.compare(h5ad, written), left_out) == ({"X_line": Comparison()}, [])
        assert read_footer(folder.file("X_line"))["form"] == "columns"
        table = pl.read_parquet(folder.file("X_line"))
        table.with_columns(line=pl.lit(1, pl.Int32)).write_parquet(folder.file("X_line"))
        assert folder.compare(h5ad, written)["X_line"].n_differ == N_OBS


def test_an_element_that_is_broken_does_not_keep_the_others_away(tmp_path: Path) -> None:
    with open_folder(tmp_path, obsm={"X_a": coordinates(2), "X_short": np.zeros((2, 2))}) as (folder, h5ad):
        written, left_out = folder.export(h5ad)
        assert [projection.table for projection in written] == ["X_a"]
        assert list(folder.compare(h5ad, written)) == ["X_a"]
        assert not folder.file("X_short").exists()

    assert [missing.name for missing in left_out] == ["obsm/X_short"]
    assert "obsm/X_short has 2 rows, but there are 60 cells" in left_out[0].reason
