"""A lake of a c2s_assets without records: what was built gets one, and nothing is built again."""

import shutil
from pathlib import Path

import pytest

from c2s_assets.core.settings import parse_datasets_file
from c2s_assets.defs.service import build
from c2s_assets.schemas.record import Record
from c2s_assets.schemas.registry import SHARED, tables_of_any_dataset
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.defs.building import open_workshop
from c2s_assets_tests.toy import make_lake

# Of the last c2s_assets without records; those of the present one are raised with the meaning of a table.
VERSIONS = {
    "raw_h5ad": "1",
    "dataset_profile": "3",
    "cell_metadata": "4",
    "cell_fingerprints": "1",
    "split_manifest": "2",
    "feature_metadata": "4",
    "cell_sentences": "1",
    "train_test": "3",
    "unstructured_metadata": "1",
    "expression": "1",
    "projections": "2",
    "expression_matrix": "2",
    "validation_report": "1",
}
SETTINGS = "sentences: {top_n: 7, gene_lists: {few: [GENE1]}}\nsplit: {seed: 3}\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = make_lake(tmp_path_factory.mktemp("built"), "toy")
    layout.settings.write_text(SETTINGS)
    with open_workshop(layout) as workshop:
        # Cards of datasets are younger than records.
        tables = [name for name in tables_of_any_dataset() if name != "dataset_card"]
        assert build(workshop.instance, workshop.definitions, "toy", assets=tables).succeeded
    return layout


@pytest.fixture
def earlier(built: Layout, tmp_path: Path) -> Dataset:
    """The same lake as it would be without a record."""
    layout = Layout(tmp_path / "lake")
    shutil.copytree(built.root, layout.root, ignore=shutil.ignore_patterns(".dagster"))
    layout.record("toy").unlink()
    return Dataset(layout, "toy", read_settings(layout))


def without_versions_and_checks(record: Record) -> dict[str, object]:
    """Leave out what is not compared: versions, checks, and the symbols of HGNC, which no table names."""
    return {
        name: (
            built.files,
            built.n_rows,
            built.digest,
            built.made_from.settings,
            _inputs(built.made_from.inputs),
        )
        for name, built in record.built.items()
    }


def _inputs(inputs: dict[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in inputs.items() if name not in SHARED}


def test_it_gets_the_record_that_its_build_would_have_written(built: Layout, earlier: Dataset) -> None:
    written = Dataset(built, "toy", earlier.settings).record()
    adopted = earlier.record()
    assert without_versions_and_checks(adopted) == without_versions_and_checks(written)
    versions = {name: one.made_from.code_version for name, one in adopted.built.items()}
    later = dict.fromkeys(versions.keys() - VERSIONS.keys(), "1")
    assert versions == VERSIONS | later
    assert earlier.layout.record("toy").exists()


def test_it_keeps_what_its_checks_found(built: Layout, earlier: Dataset) -> None:
    written = Dataset(built, "toy", earlier.settings).record()
    for name, one in earlier.record().built.items():
        if name != "validation_report":  # it does not report on itself
            assert one.checks == written.built[name].checks


def test_a_setting_that_a_table_says_otherwise_makes_it_outdated(earlier: Dataset) -> None:
    settings = parse_datasets_file("sentences: {top_n: 9, gene_lists: {few: [GENE1]}}\nsplit: {seed: 3}\n")
    state = Dataset(earlier.layout, "toy", settings).state()
    assert "sentences.top_n is 9 now, was 7" in state["cell_sentences"].why
    assert not any("gene_lists" in why for why in state["cell_sentences"].why)
    assert not any("split" in why for why in state["split_manifest"].why)


def test_a_gene_list_that_is_new_makes_sentences_outdated(earlier: Dataset) -> None:
    settings = parse_datasets_file("sentences: {top_n: 7}\nsplit: {seed: 3}\n")
    why = Dataset(earlier.layout, "toy", settings).state()["cell_sentences"].why
    assert "sentences.gene_lists is {} now, was 'few'" in why


def test_a_table_that_cannot_be_read_has_to_be_built_again(earlier: Dataset) -> None:
    earlier.layout.table("split_manifest", "toy").write_bytes(b"PAR1 nothing")
    state = earlier.state()
    assert state["split_manifest"].standing == "missing"
    assert state["cell_metadata"].built is not None
