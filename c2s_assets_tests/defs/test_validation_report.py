"""The validation report: results of this dataset, of its present source, and of one run per asset."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest

from c2s_assets.defs.checks import CHECKS
from c2s_assets.schemas.documents import AssetReport, CheckReport, ValidationReport
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.defs.building import Workshop, broken, build_only, copy_lake, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake


def read_report(layout: Layout, dataset_id: str) -> ValidationReport:
    return read_document(layout.validation_report(dataset_id), ValidationReport)


def own_results(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {
        found.check_name: found
        for found in result.get_asset_check_evaluations()
        if found.asset_key == dg.AssetKey("validation_report")
    }


def asset_of(report: ValidationReport, name: str) -> AssetReport:
    return next(asset for asset in report.assets if asset.asset == name)


def check_of(report: ValidationReport, name: str) -> CheckReport:
    asset, claim = name.split("/")
    return next(check for check in asset_of(report, asset).checks if check.claim == claim)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = make_lake(tmp_path_factory.mktemp("built"), "toy")
    with open_workshop(layout) as workshop:
        assert workshop.build("toy").succeeded
    return layout


@pytest.fixture
def toy(built: Layout, tmp_path: Path) -> Iterator[Workshop]:
    """A lake of its own with one dataset, which another Dagster has built."""
    with open_workshop(copy_lake(built, tmp_path)) as workshop:
        yield workshop


def test_a_build_writes_last_what_every_check_of_it_found(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        built = workshop.build("toy")
        report = read_report(layout, "toy")
        written = layout.validation_report("toy").read_bytes()
        workshop.build("toy")

    assert layout.validation_report("toy").read_bytes() == written
    assert built.steps[-1].asset == "validation_report"
    listed = {f"{asset.asset}/{check.claim}": check for asset in report.assets for check in asset.checks}
    assert set(listed) == {
        f"{asset.asset}/{check.claim}" for asset in report.assets for check in CHECKS[asset.asset]
    }
    assert {asset.state for asset in report.assets} == {"built"}
    assert report.summary.n_checks == len(listed) == built.n_checks
    assert {name for name, check in listed.items() if not check.holds} == broken(built) - {
        "validation_report/checks_hold"
    }
    assert report.summary.n_broken_warn == len(broken(built)) - 1
    assert (report.summary.n_broken_error, report.summary.n_without_result) == (0, 0)
    assert (report.n_obs, report.n_vars) == (60, 40)
    assert listed["cell_metadata/ages_are_known"].figures["n_with_age"] == 60
    assert listed["cell_metadata/ages_are_known"].message == "60 of 60 cells have an age."
    figures = built.steps[-1].figures
    assert figures["n_checks"] == report.summary.n_checks
    assert figures["broken"].count(" | WARN | ") == report.summary.n_broken_warn


def test_tables_ranges_and_coverage_are_of_all_rows(toy: Workshop) -> None:
    report = read_report(toy.layout, "toy")

    assert report.tables is not None
    compared = {table.table: table for table in report.tables}
    assert {"cell_sentences", "train, validation and test"} <= set(compared)
    assert all(table.agrees and table.n_rows == 60 for table in compared.values())
    ranges = {(found.table, found.columns): found for found in report.ranges}
    ages = ranges["cell_metadata", "age"]
    assert (ages.min_value, ages.max_value, ages.n_missing, ages.n_not_finite) == (20, 65, 0, 0)
    assert report.features is not None
    assert report.features.model_dump() == {
        "n_features": 40,
        "n_genes": 40,
        "frac_with_symbol": 1.0,
        "frac_with_ensembl_id": 1.0,
    }


def test_each_dataset_has_its_own_results_in_whatever_order_they_were_built(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "first")
    drop_toy_h5ad(layout, "second", n_obs=30, n_donors=1)
    with open_workshop(layout) as workshop:
        for dataset_id in ("first", "second"):
            workshop.build(dataset_id)
        before = layout.validation_report("first").read_bytes()
        assert build_only(workshop, "first", "validation_report").success

    assert layout.validation_report("first").read_bytes() == before
    first, second = (read_report(layout, dataset_id) for dataset_id in ("first", "second"))
    assert (first.n_obs, second.n_obs) == (60, 30)
    name = "cell_metadata/donors_are_known"
    assert [check_of(report, name).figures["n_donors"] for report in (first, second)] == [4, 1]
    assert [check_of(report, "train_test/has_both_splits").holds for report in (first, second)] == [
        True,
        False,
    ]


def test_an_asset_built_alone_shows_its_new_results_beside_the_others(toy: Workshop) -> None:
    before = read_report(toy.layout, "toy")
    toy.layout.settings.write_text("split: {test_size: 0.25}\n")
    assert build_only(toy, "toy", "split_manifest").success
    assert read_report(toy.layout, "toy") == before
    result = build_only(toy, "toy", "validation_report")

    assert result.success
    after = read_report(toy.layout, "toy")
    name = "split_manifest/test_share_near_target"
    assert [check_of(report, name).figures["test_size"] for report in (before, after)] == [0.05, 0.25]
    assert (check_of(before, name).holds, check_of(after, name).holds) == (False, True)
    assert asset_of(after, "train_test").state == "outdated"
    changed = {
        "split_manifest",
        "train_test",
        "training_prompts",
        "pseudobulk",
        "pseudocells",
        "dataset_card",
    }
    others = [[asset for asset in report.assets if asset.asset not in changed] for report in (before, after)]
    assert others[0] == others[1]


def test_a_refused_asset_and_those_never_built_are_said_to_be_so(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", var={"feature_name": None})
    with open_workshop(layout) as workshop:
        assert not workshop.build("toy").succeeded
        assert not layout.validation_report("toy").exists()
        result = build_only(workshop, "toy", "validation_report")

    assert result.success
    report = read_report(layout, "toy")
    states = {asset.asset: asset.state for asset in report.assets}
    assert states["cell_metadata"] == "built"
    assert states["cell_sentences"] == "refused"
    assert states["train_test"] == "not built"
    named = check_of(report, "cell_sentences/features_have_symbols")
    assert (named.holds, named.severity) == (False, "ERROR")
    assert "No feature has a gene symbol" in named.message
    not_reached = check_of(report, "cell_sentences/rows_match_cells")
    assert (not_reached.holds, not_reached.figures) == (None, {})
    assert "the build of the asset stopped before this check" in not_reached.message
    assert {check.holds for check in asset_of(report, "train_test").checks} == {None}
    found = own_results(result)["checks_hold"]
    assert not found.passed
    assert "cell_sentences/features_have_symbols" in (found.description or "")
    assert "train_test/keeps_schema" in (found.description or "")


def test_results_of_an_earlier_source_are_not_shown_and_its_tables_stop_what_follows(toy: Workshop) -> None:
    drop_toy_h5ad(toy.layout, "toy", n_obs=50, seed=1)
    assert build_only(toy, "toy", "raw_h5ad", "dataset_profile", "cell_metadata").success
    result = build_only(toy, "toy", "validation_report")

    assert not result.success
    found = own_results(result)["tables_agree_on_cells"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "cell_sentences was made from an earlier version of the source file" in (found.description or "")
    report = read_report(toy.layout, "toy")
    assert report.n_obs == 50
    states = {asset.asset: asset.state for asset in report.assets}
    assert {name for name, state in states.items() if state == "built"} == {
        "raw_h5ad",
        "dataset_profile",
        "cell_metadata",
    }
    assert states["cell_sentences"] == states["unstructured_metadata"] == states["train_test"] == "outdated"
    assert {check.holds for check in asset_of(report, "cell_sentences").checks} == {None}
    assert report.features is None
    assert report.tables is not None
    assert not any(table.agrees or table.is_current for table in report.tables)


def test_a_file_that_is_refused_leaves_the_results_of_the_tables_that_stay(toy: Workshop) -> None:
    toy.layout.inbox_h5ad("toy").write_bytes(b"no h5ad")
    assert not toy.build("toy").succeeded
    assert build_only(toy, "toy", "validation_report").success

    report = read_report(toy.layout, "toy")
    states = {asset.asset: asset.state for asset in report.assets}
    assert states.pop("raw_h5ad") == "refused"
    assert set(states.values()) == {"built"}
    refused = check_of(report, "raw_h5ad/keeps_schema")
    assert refused.holds is False
    assert "toy.h5ad" in refused.message


def test_a_table_changed_by_hand_is_found_and_the_report_written_all_the_same(toy: Workshop) -> None:
    (part,) = sorted(toy.layout.parts("cell_sentences", "toy").glob("*.parquet"))
    table = pq.read_table(part)
    order = [1, 0, *range(2, table.num_rows)]
    pq.write_table(table.take(order).replace_schema_metadata(table.schema.metadata), part)
    result = build_only(toy, "toy", "validation_report")

    assert not result.success
    message = "in cell_sentences, row 0 is 'cell_0001', not 'cell_0000' (2 rows differ)"
    assert message in (own_results(result)["tables_agree_on_cells"].description or "")
    report = read_report(toy.layout, "toy")
    assert report.tables is not None
    (sentences,) = (table for table in report.tables if table.table == "cell_sentences")
    assert (sentences.agrees, sentences.n_differ) == (False, 2)
    assert result.get_asset_materialization_events(), "what is in place is recorded"


def test_a_table_removed_by_hand_is_not_built(toy: Workshop) -> None:
    toy.layout.table("feature_metadata", "toy").unlink()
    toy.layout.table("cell_metadata", "toy").unlink()
    result = build_only(toy, "toy", "validation_report")

    assert not result.success
    report = read_report(toy.layout, "toy")
    assert asset_of(report, "feature_metadata").state == "not built"
    assert (report.features, report.tables) == (None, None)
    assert "cell_metadata was not built" in (own_results(result)["tables_agree_on_cells"].description or "")


def test_what_another_dagster_built_and_checked_is_known(toy: Workshop) -> None:
    before = read_report(toy.layout, "toy")
    assert build_only(toy, "toy", "validation_report").success

    report = read_report(toy.layout, "toy")
    assert report == before


def test_tables_without_a_record_get_one_and_their_results_from_the_last_report(toy: Workshop) -> None:
    """Of a lake that was built before there were records, or whose record was removed by hand."""
    before = read_report(toy.layout, "toy")
    toy.layout.record("toy").unlink()
    toy.layout.validation_report("toy").unlink()
    assert build_only(toy, "toy", "validation_report").success
    report = read_report(toy.layout, "toy")
    states = {asset.asset: asset.state for asset in report.assets}
    assert states["raw_h5ad"] == states["unstructured_metadata"] == "not checked"
    assert set(states.values()) == {"not checked", "outdated"}  # their steps have changed since
    assert report.tables == before.tables


def test_a_split_without_rows_leaves_no_files_and_is_built(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", obs={"is_primary_data": False})
    with open_workshop(layout) as workshop:
        assert workshop.build("toy").succeeded

    report = read_report(layout, "toy")
    assert not layout.parts("train", "toy").exists()
    assert asset_of(report, "train_test").state == "built"
    assert check_of(report, "train_test/has_both_splits").holds is False
    card = (layout.dataset("toy") / "README.md").read_text(encoding="utf-8")
    assert "\n0 cells of 0 donors" in card
    assert "| they are not the canonical copy | 60 |" in card


def test_a_store_of_events_on_disk_tells_the_same(tmp_path: Path) -> None:
    """The log in memory is SQLite too; that of `c2s ui` and its daemon has a file per run besides."""
    layout = make_lake(tmp_path, "toy")
    home = tmp_path / "home"
    home.mkdir()
    with dg.instance_for_test(temp_dir=str(home)) as instance:
        assert Workshop(layout, instance).build("toy").succeeded
    in_one_run = layout.validation_report("toy").read_bytes()
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert build_only(Workshop(layout, instance), "toy", "validation_report").success

    assert {asset.state for asset in read_report(layout, "toy").assets} == {"built"}
    assert layout.validation_report("toy").read_bytes() == in_one_run
