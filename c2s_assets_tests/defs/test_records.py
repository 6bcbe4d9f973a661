"""Records of cells in a tissue, from the h5ad to who trains on them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import datasets
import numpy as np
import polars as pl
import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import Workshop, build_only, copy_lake, open_workshop
from c2s_assets_tests.tissue import built_tissue

# Modules that import the libraries of images when they are imported, and what they are imported by.
_OF_IMAGES = (
    "c2s_assets.storage.images.picture",
    "c2s_assets.storage.images.tiff",
    "c2s_assets.storage.spatial.",
    "c2s_assets.core.spatial.caption",
)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with built_tissue(tmp_path_factory.mktemp("records")) as opened:
        yield opened


def _folder(layout: Layout) -> Path:
    return layout.parts("cell_records", "toy")


def test_datasets_loads_sides_and_decodes_images_offline(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    loaded = datasets.load_dataset(str(_folder(workshop.layout)), cache_dir=str(tmp_path))
    assert set(loaded) >= {"train", "test"}
    row = loaded["test"][0]
    assert [row[name].size for name in ("cell_patch", "tissue_patch", "slide")] == [
        (64, 64),
        (224, 224),
        (512, 512),
    ]
    assert row["caption"].startswith("A cell in blood of Homo sapiens")
    assert len(row["feature_index"]) == len(row["value"]) > 0


def test_records_are_of_blocks_that_lie_apart(workshop: Workshop) -> None:
    records = workshop.read("cell_records", "toy")
    assert records["split_level"].unique().to_list() == ["block"]
    places = {
        side: records.filter(pl.col("split") == side).select("x_um", "y_um").to_numpy()
        for side in ("train", "test")
    }
    gaps = np.linalg.norm(places["train"][:, None] - places["test"][None], axis=-1)
    assert gaps.min() >= 300
    side = dict(records.select("cell_index", "split").iter_rows())
    for split, senders in records.select("split", "sender_index").iter_rows():
        assert {side.get(sender, split) for sender in senders} <= {split}


def test_nothing_that_records_test_on_is_trained_on_elsewhere(workshop: Workshop) -> None:
    records, trained = workshop.read("cell_records", "toy"), workshop.train_test("toy")
    held_out = set(records.filter(pl.col("split") != "train")["cell_id"])
    assert held_out
    assert not held_out & set(trained["cell_id"])
    assert set(records.filter(pl.col("split") == "train")["cell_id"]) == set(trained["cell_id"])


def test_a_cell_has_a_record_or_a_reason(workshop: Workshop) -> None:
    accounts, records = workshop.read("record_sides", "toy"), workshop.read("cell_records", "toy")
    with_side = accounts.drop_nulls("split")
    assert dict(with_side.select("cell_id", "split").iter_rows()) == dict(
        records.select("cell_id", "split").iter_rows()
    )
    without = accounts.filter(pl.col("split").is_null())
    assert without["why_on_no_side"].unique().to_list() == [
        "lies nearer to cells of another side than a model may see"
    ]
    assert (
        accounts.height == with_side.height + without.height == workshop.read("cell_metadata", "toy").height
    )


def test_a_record_holds_what_other_tables_say_of_its_cell(workshop: Workshop) -> None:
    records = workshop.read("cell_records", "toy").row(3, named=True)
    row = records["cell_index"]
    for table in ("image_patches", "expression", "cell_communication", "captions", "cell_attributes"):
        told = workshop.read(table, "toy").row(row, named=True)
        for name in told.keys() & records.keys():
            found = records[name]["bytes"] if isinstance(records[name], dict) else records[name]
            assert found == told[name], name


def test_without_the_libraries_of_images_all_that_takes_them_says_what_to_install(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What imports these libraries is imported anew here, as in a process that does not have them."""
    copy = copy_lake(workshop.layout, tmp_path)
    for name in [name for name in sys.modules if name.startswith(_OF_IMAGES)]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("imagecodecs", "tifffile", "sklearn"):
        monkeypatch.setitem(sys.modules, name, None)
    with open_workshop(copy) as without:
        for asset in ("slide_images", "image_patches", "captions"):
            failed = build_only(without, "toy", asset).failure_data_for_node(asset)
            assert failed is not None
            assert failed.user_failure_data is not None
            assert "pip install 'c2s_assets[spatial]'" in str(failed.user_failure_data.description)
        assert build_only(without, "toy", "cell_attributes", "cell_communication", "cell_records").success
    said = c2s("export", "cellnet", "toy", "--to", str(tmp_path / "cells.h5"), lake=copy.root)
    assert said.status == 1
    assert "pip install 'c2s_assets[spatial]'" in said.err
