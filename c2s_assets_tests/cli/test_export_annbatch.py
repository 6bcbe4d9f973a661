"""`c2s export annbatch`: shuffled stores by side that annbatch loads as its own."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import polars as pl
import pytest
import zarr

import c2s_assets
from c2s_assets.storage.batches import annbatch
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.corpus import make_corpus

DATASETS = ("blood", "lung", "mouse")


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return make_corpus(tmp_path_factory, "expression")


@pytest.fixture(scope="module")
def exported(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("exported") / "stores"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(annbatch, "_CELLS_PER_STORE", 50)
        said = c2s("export", "annbatch", "--to", to, lake=layout.root)
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("176 cells in")
    return to


def read_side(exported: Path, side: str) -> ad.AnnData:
    collection = zarr.open_group(exported / f"{side}.zarr", mode="r")
    return ad.concat([ad.io.read_elem(collection[name]) for name in sorted(collection.keys())], merge="same")


@pytest.mark.parametrize("side", ["train", "test"])
def test_stores_hold_the_cells_of_their_side_and_what_the_lake_says_of_them(
    layout: Layout, exported: Path, side: str
) -> None:
    found = read_side(exported, side)
    training = c2s_assets.open_lake(layout.root).training(side=side).collect()
    due = training.select("dataset_id", "cell_id").rows()
    assert sorted(zip(found.obs["dataset_id"], found.obs["cell_id"], strict=True)) == sorted(due)
    assert found.obs_names.is_unique
    for dataset_id in DATASETS:
        own = found[found.obs["dataset_id"] == dataset_id]
        lake = c2s_assets.read_expression(dataset_id, lake=layout.root)[own.obs["cell_id"]]
        assert np.array_equal(own[:, lake.var_names].X.toarray(), lake.X.toarray())
        rows = training.filter(pl.col("dataset_id") == dataset_id)
        ages = pl.DataFrame({"cell_id": own.obs["cell_id"].tolist()}).join(rows, on="cell_id", how="left")[
            "age"
        ]
        assert np.array_equal(own.obs["age"], ages.to_numpy(), equal_nan=True)


def test_stores_are_shuffled_and_of_equal_size(exported: Path) -> None:
    collection = zarr.open_group(exported / "train.zarr", mode="r")
    sizes = [len(ad.io.read_elem(collection[name]["obs"])) for name in sorted(collection.keys())]
    assert sizes[:-1] == [50] * (len(sizes) - 1)
    assert read_side(exported, "train").obs["dataset_id"][:50].nunique() == 3


def test_a_folder_that_holds_something_is_refused(layout: Layout, exported: Path) -> None:
    said = c2s("export", "annbatch", "blood", "--to", exported, lake=layout.root)
    assert said.status == 1
    assert "holds something. Name a folder that is new" in said.err
    assert (exported / "train.zarr").is_dir()


@pytest.mark.peers
def test_annbatch_loads_a_side(layout: Layout, exported: Path) -> None:
    import annbatch as reader

    collection = reader.DatasetCollection(str(exported / "train.zarr"), mode="r")
    assert not collection.is_empty
    loader = reader.Loader(batch_size=16, chunk_size=4, preload_nchunks=8, shuffle=True, preload_to_gpu=False)
    loader.use_collection(collection)
    drawn = list(loader)

    obs = pd.concat([batch["obs"] for batch in drawn])
    training = c2s_assets.open_lake(layout.root).training(side="train").collect()
    assert sorted(obs["cell_id"]) == sorted(training["cell_id"])
    lake = c2s_assets.read_expression("blood", lake=layout.root)
    for batch in drawn:
        is_blood = (batch["obs"]["dataset_id"] == "blood").to_numpy()
        own = lake[batch["obs"]["cell_id"][is_blood].astype(str)]
        found = pd.DataFrame(batch["X"].toarray()[is_blood], columns=loader.var.index)
        assert np.array_equal(found[lake.var_names].to_numpy(), own.X.toarray())
