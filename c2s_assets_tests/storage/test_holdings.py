"""What the lake holds of every dataset, for those who decide what to build."""

import pytest

from c2s_assets.core.settings import DatasetsFile, parse_datasets_file
from c2s_assets.schemas.documents import InboxNote
from c2s_assets.schemas.registry import TABLES, wanted_tables
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.holdings import all_datasets, due_tables, held_datasets, stale_tables
from c2s_assets.storage.sources.raw import adopt_download, adopt_from_inbox
from c2s_assets_tests.storage.test_dataset import write
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake, write_toy_h5ad

SETTINGS = DatasetsFile()


@pytest.fixture
def layout(tmp_path):
    return make_lake(tmp_path)


def fetch_toy(target):
    write_toy_h5ad(target)
    return InboxNote(dataset_version_id="v1")


def build(layout, dataset_id, assets=None):
    dataset = Dataset(layout, dataset_id, SETTINGS)
    for asset in assets or wanted_tables():
        write(dataset, asset)
    return dataset


def test_what_the_lake_holds_follows_from_its_files(layout):
    for dataset_id in ("built", "half", "damaged"):
        adopt_download(layout, dataset_id=dataset_id, dataset_version_id="v1", fetch=fetch_toy)
    drop_toy_h5ad(layout, "dropped")
    adopt_from_inbox(layout, dataset_id="dropped")
    build(layout, "built")
    build(layout, "half", ["raw_h5ad", "dataset_profile"])
    layout.raw_provenance("damaged").write_text("{")
    layout.raw_provenance("damaged").with_name("not an id.json").write_text("{}")

    held = held_datasets(layout, SETTINGS)

    assert {name: (one.dataset_version_id, one.is_built, one.is_own) for name, one in held.items()} == {
        "built": ("v1", True, False),
        "damaged": (None, False, False),
        "dropped": (None, False, True),
        "half": ("v1", False, False),
    }
    assert held["half"].stale == tuple(
        name for name in wanted_tables() if name not in TABLES or name not in ("raw_h5ad", "dataset_profile")
    )
    assert held["built"].since == layout.raw_provenance("built").stat().st_mtime
    assert all_datasets(layout) == ["built", "damaged", "dropped", "half"]


def test_what_lacks_a_file_or_was_built_by_other_settings_is_not_built(layout):
    adopt_download(layout, dataset_id="a", dataset_version_id="v1", fetch=fetch_toy)
    build(layout, "a")
    assert held_datasets(layout, SETTINGS)["a"].is_built
    changed = parse_datasets_file("sentences: {top_n: 5}")
    assert held_datasets(layout, changed)["a"].stale == ("cell_sentences", "train_test", "validation_report")
    (layout.parts("train", "a") / "part-00000.parquet").unlink()
    assert held_datasets(layout, SETTINGS)["a"].stale == ("train_test", "validation_report")


def test_a_table_that_has_to_be_asked_for_is_missed_once_it_is(layout):
    adopt_download(layout, dataset_id="a", dataset_version_id="v1", fetch=fetch_toy)
    dataset = build(layout, "a")
    assert stale_tables(dataset) == []
    asking = parse_datasets_file("build: [expression_matrix]")
    assert stale_tables(Dataset(layout, "a", asking)) == ["expression_matrix"]
    write(dataset, "expression_matrix")
    changed = parse_datasets_file("datasets: {a: {symbol_column: name}}")
    assert "expression_matrix" in stale_tables(Dataset(layout, "a", changed))


def test_of_a_torn_record_everything_is_built_again(layout):
    adopt_download(layout, dataset_id="a", dataset_version_id="v1", fetch=fetch_toy)
    build(layout, "a")
    layout.record("a").write_text("{")
    assert held_datasets(layout, SETTINGS)["a"].stale == tuple(wanted_tables())


def test_a_new_try_is_due_when_the_settings_change(layout):
    adopt_download(layout, dataset_id="a", dataset_version_id="v1", fetch=fetch_toy)
    layout.settings.write_text("")
    assert held_datasets(layout, SETTINGS)["a"].since >= layout.settings.stat().st_mtime


def test_only_tables_that_are_not_built_by_default_can_be_asked_for():
    """Guards the one place outside the registry that names such tables: the check of datasets.yaml."""
    by_name = [name for name, one in TABLES.items() if not one.is_default and not one.asked_by]
    assert parse_datasets_file(f"build: {by_name}").build == by_name


def test_what_only_cells_in_a_tissue_have_is_asked_for_by_the_entry_of_a_dataset(layout):
    settings = parse_datasets_file("build: expression_matrix\ndatasets: {tissue: {spatial: }}")
    of_tissue = {name for name, one in TABLES.items() if one.asked_by == "spatial"}
    tissue, blood = (set(due_tables(Dataset(layout, name, settings))) for name in ("tissue", "blood"))
    assert tissue - blood == of_tissue
    assert "expression_matrix" in blood
