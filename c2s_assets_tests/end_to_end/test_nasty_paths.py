"""A path says nothing about data, and any folder that the file system allows can hold a lake."""

import tempfile
from pathlib import Path

import polars as pl
import pytest

import c2s_assets
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.toy import NASTY, write_toy_h5ad

pytestmark = pytest.mark.slow

FILE = "Ätlas [b-c] donor_id=7 *?%41 'x' \"y\"; $(z) #1"
DATASET_ID = "Atlas_b-c_donor_id_7_41_x_y_z_1"
TABLES = "train_test,expression,projections,validation_report"


def test_a_lake_and_files_below_any_folder_work_from_add_to_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / NASTY
    monkeypatch.setenv("C2S_LAKE", str(folder / "lake"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source = write_toy_h5ad(folder / f"{FILE}.h5ad")

    def run(*words: str | Path) -> str:
        said = c2s(*words, lake=folder / "lake")
        assert said.status == 0, said
        return said.out

    assert f"The id {DATASET_ID} comes of the name" in run("add", source)
    assert f"{DATASET_ID}: built" in run("build", DATASET_ID, "--only", TABLES)
    assert DATASET_ID in run("ls")

    sql = "select tissue, count(*) as n, count(distinct donor_id) as donors from cells group by all"
    assert run("query", sql).splitlines()[3].split() == ["│", "blood", "┆", "60", "┆", "4", "│"]
    output = folder / "rows [1]=*.parquet"
    run("query", "--output", output, "select cell_id, projection, x from projections order by all")
    rows = pl.read_parquet(output, glob=False, hive_partitioning=False)
    assert (rows.columns, rows["cell_id"].n_unique()) == (["cell_id", "projection", "x"], 60)
    assert set(rows["projection"]) >= {"X_umap", "X_pca"}

    adata = c2s_assets.read_expression(DATASET_ID, cells=["cell_0003"], genes=["GENE4"])
    assert (adata.shape, set(adata.obs["tissue"])) == ((1, 1), {"blood"})
    (snippet,) = (line for line in run("show", DATASET_ID).splitlines() if "pl.scan_parquet(" in line)
    train = eval(snippet, {"pl": pl}).collect()  # noqa: S307 - what a user would paste
    assert 0 < train.height < 60
    assert set(train["tissue"]) == {"blood"}
    (link,) = (path for path in tmp_path.iterdir() if path.name != NASTY)
    assert link.readlink() == folder / "lake" / ".dagster"
