"""What must hold of every asset, check and job."""

import dagster as dg
import pytest

from c2s_assets.definitions import defs
from c2s_assets.defs.checks import CHECKS
from c2s_assets.defs.partitions import datasets, releases
from c2s_assets.schemas.registry import TABLES, wanted_tables

ASSETS = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
GROUPS = {"sources", "ingest", "matrix", "text", "splits", "tabular", "joins", "spatial", "publish"}
UNPARTITIONED = {
    "catalogue",
    "cellxgene_listing",
    "corpus_report",
    "donor_aliases",
    "gene_symbols",
    "health_report",
    "leak_audit",
    "leak_inflation",
    "split_plan",
}

OF_RELEASES = {"corpus_release", "atlas_release", "hub_dataset"}

each_asset = pytest.mark.parametrize("name", sorted(ASSETS))


def test_the_assets_of_the_main_job_are_there() -> None:
    assert set(ASSETS) == {
        "gene_symbols",
        "raw_h5ad",
        "dataset_profile",
        "cell_metadata",
        "cell_fingerprints",
        "feature_metadata",
        "unstructured_metadata",
        "expression",
        "expression_matrix",
        "projections",
        "cell_sentences",
        "cell_attributes",
        "cell_outlines",
        "ligand_receptor_pairs",
        "cell_communication",
        "section_communication",
        "slide_images",
        "image_patches",
        "captions",
        "machine_captions",
        "cell_records",
        "record_sides",
        "split_plan",
        "split_manifest",
        "train_test",
        "training_prompts",
        "rank_fidelity",
        "dataset_card",
        "donor_aliases",
        "leak_audit",
        "leak_inflation",
        "pseudobulk",
        "pseudocells",
        "catalogue",
        "cellxgene_listing",
        "corpus_report",
        "health_report",
        "validation_report",
        "corpus_release",
        "atlas_release",
        "hub_dataset",
    }


@each_asset
def test_an_asset_has_group_kinds_version_owner_and_description(name: str) -> None:
    spec = ASSETS[name]
    assert spec.group_name in GROUPS
    assert spec.kinds
    assert spec.code_version
    assert spec.owners
    assert spec.description
    assert spec.description.endswith(".")


@each_asset
def test_an_asset_is_partitioned_by_dataset_or_release(name: str) -> None:
    parted = releases if name in OF_RELEASES else datasets
    assert ASSETS[name].partitions_def == (None if name in UNPARTITIONED else parted)


def test_sensors_schedules_and_jobs_say_what_they_do() -> None:
    graph = defs.get_repository_def()
    for one in (*graph.sensor_defs, *graph.schedule_defs):
        assert one.description, one.name
        assert one.description.endswith("."), one.name
    for job in graph.get_all_jobs():
        assert job.description or job.name.startswith("__"), job.name


def test_deleting_a_partition_says_what_it_leaves() -> None:
    assert "`c2s rm ID` removes them." in str(ASSETS["raw_h5ad"].description)


def _check_specs(name: str) -> dict[str, dg.AssetCheckSpec]:
    specs = defs.resolve_asset_graph().asset_check_keys
    graph = defs.resolve_asset_graph()
    return {key.name: graph.get_check_spec(key) for key in specs if key.asset_key.to_user_string() == name}


@each_asset
def test_an_asset_keeps_its_schema_and_blocks_if_not(name: str) -> None:
    assert _check_specs(name)["keeps_schema"].blocking


@each_asset
def test_checks_have_the_partitions_of_their_asset(name: str) -> None:
    """Dagster accepts a check without them in silence, and then one dataset's result hides another's."""
    for spec in _check_specs(name).values():
        assert spec.partitions_def == ASSETS[name].partitions_def
        assert spec.description


def test_every_declared_check_is_of_an_asset() -> None:
    assert set(CHECKS) == set(ASSETS)


def test_every_table_of_a_dataset_is_declared_and_made_from_what_is_declared() -> None:
    assert set(TABLES) == set(ASSETS) - UNPARTITIONED - OF_RELEASES
    for name, declared in TABLES.items():
        assert {dep.asset_key.to_user_string() for dep in ASSETS[name].deps} == set(declared.waits_for)
        assert ASSETS[name].code_version == declared.code_version


@pytest.mark.parametrize(
    ("job_name", "tables"), [("build_dataset", wanted_tables()), ("build_tables", list(TABLES))]
)
def test_a_job_builds_tables_in_one_process(job_name: str, tables: list[str]) -> None:
    job = defs.resolve_job_def(job_name)
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == set(tables)
    assert job.executor_def.name == "in_process"


def test_what_few_want_has_to_be_asked_for() -> None:
    few = {
        "dataset_card",
        "expression_matrix",
        "pseudobulk",
        "pseudocells",
        "rank_fidelity",
        "training_prompts",
    }
    of_tissue = {
        "captions",
        "machine_captions",
        "cell_records",
        "record_sides",
        "cell_attributes",
        "cell_outlines",
        "ligand_receptor_pairs",
        "cell_communication",
        "section_communication",
        "slide_images",
        "image_patches",
    }
    assert set(TABLES) - set(wanted_tables()) == few | of_tissue


def test_the_graph_says_what_is_made_of_what() -> None:
    upstream = {name: {dep.asset_key.to_user_string() for dep in spec.deps} for name, spec in ASSETS.items()}
    assert upstream["train_test"] == {"dataset_profile", "cell_metadata", "cell_sentences", "split_manifest"}
    assert upstream["split_manifest"] == {"cell_metadata", "split_plan"}
    assert upstream["split_plan"] == {"cell_metadata", "donor_aliases"}
    assert upstream["raw_h5ad"] == set()
    assert "gene_symbols" in upstream["feature_metadata"]


def test_definitions_load_without_warnings_in_a_fresh_process() -> None:
    dg.Definitions.validate_loadable(defs)
