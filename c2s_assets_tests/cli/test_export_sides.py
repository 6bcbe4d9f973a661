"""`c2s export sides`: each file says to its own reader what the training table says."""

import json
import tomllib
from pathlib import Path

import anndata as ad
import polars as pl
import pytest

import c2s_assets
from c2s_assets.core.errors import UnknownNameError
from c2s_assets.core.splits.formats import cell_load_toml
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.corpus import make_corpus

SIDE_OF = {"train": "train", "val": "validation", "test": "test"}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return make_corpus(tmp_path_factory)


@pytest.fixture(scope="module")
def sides(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("exported") / "sides"
    said = c2s("export", "sides", "--to", to, lake=layout.root)
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("Sides of 3 datasets in")
    return to


@pytest.fixture(scope="module")
def training(layout: Layout) -> pl.DataFrame:
    return c2s_assets.open_lake(layout.root).training().collect()


@pytest.mark.parametrize("dataset_id", ["blood", "lung", "mouse"])
def test_the_indices_are_rows_of_the_h5ad(
    layout: Layout, sides: Path, training: pl.DataFrame, dataset_id: str
) -> None:
    indices = json.loads((sides / "cell2sentence" / f"{dataset_id}.json").read_text())
    names = ad.read_h5ad(layout.raw_h5ad(dataset_id)).obs_names
    own = training.filter(dataset_id=dataset_id)
    for name, side in SIDE_OF.items():
        assert list(names[indices[name]]) == own.filter(split=side)["cell_id"].to_list()


def test_the_indices_select_rows_as_cell2sentence_does(sides: Path) -> None:
    import datasets

    indices = json.loads((sides / "cell2sentence" / "blood.json").read_text())
    rows = datasets.Dataset.from_dict({"row": list(range(60))})
    assert {name: rows.select(indices[name])["row"][:] for name in indices} == indices


def test_the_configuration_of_cell_load_has_every_donor(
    layout: Layout, sides: Path, training: pl.DataFrame
) -> None:
    says = tomllib.loads((sides / "cell-load.toml").read_text())
    assert says["datasets"]["lung"] == str(layout.raw_h5ad("lung"))
    donors = training.drop_nulls("donor_id").filter(pl.col("dataset_id") != "mouse")
    expected = donors.select("dataset_id", "donor_id", "split").unique().iter_rows()
    assert {key: SIDE_OF[side] for key, side in says["zeroshot"].items()} == {
        f"{dataset}.{donor}": side for dataset, donor, side in expected
    }
    assert "training" not in says, "whoever is not listed would be trained on"


@pytest.mark.peers
def test_cell_load_reads_its_configuration(sides: Path) -> None:
    from cell_load import config

    read = config.ExperimentConfig.from_toml(str(sides / "cell-load.toml"))
    read.validate()
    assert read.get_all_datasets() == {"blood", "lung"}
    assert set(read.get_zeroshot_celltypes("blood").values()) == {"train", "test"}


def test_cell_load_is_given_names_without_dots_and_donors_as_they_are() -> None:
    donors = pl.DataFrame({"dataset_id": ["v1.0"], "donor_id": ['d "1".\x7fé'], "split": ["train"]})
    says = tomllib.loads(cell_load_toml({"v1.0": "x.h5ad"}, donors))
    assert says["datasets"] == {"v1-0": "x.h5ad"}
    assert says["zeroshot"] == {'v1-0.d "1".\x7fé': "train"}
    with pytest.raises(UnknownNameError, match=r"v1-0 and v1\.0 would both be v1-0"):
        cell_load_toml({"v1.0": "x.h5ad", "v1-0": "y.h5ad"}, donors)


def test_the_list_of_donors_is_that_of_the_manifest(layout: Layout, sides: Path) -> None:
    listed = pl.read_csv(sides / "donors.tsv", separator="\t")
    manifest = pl.read_parquet(layout.table("split_manifest", "lung")).drop_nulls("split").sort("donor_id")
    own = listed.filter(dataset_id="lung")
    assert (
        own.select("donor_id", "split", "fold").rows() == manifest.select("donor_id", "split", "fold").rows()
    )


def test_a_folder_that_holds_something_is_refused(layout: Layout, sides: Path) -> None:
    said = c2s("export", "sides", "--to", sides, lake=layout.root)
    assert said.status == 1
    assert "holds something. Name a folder that is new" in said.err
