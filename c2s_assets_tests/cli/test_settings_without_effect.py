"""Ids without a file and entries without a dataset, before anything is built."""

from pathlib import Path

import dagster as dg
import pytest

from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import build_only, open_workshop
from c2s_assets_tests.toy import make_lake


def test_an_id_without_a_file_is_refused_and_becomes_no_partition(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "atlas")
    said = c2s("build", "atlsa", lake=layout.root)
    assert said.status == 1
    assert f"{layout.root} has no file of 'atlsa' (is 'atlas' meant?). Add one with: c2s add" in said.err
    assert not layout.datasets.exists()
    assert "atlsa" not in c2s("ls", lake=layout.root).out


def test_one_id_without_a_file_keeps_all_from_being_built(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "atlas")
    assert c2s("build", "atlas", "other", lake=layout.root).status == 1
    assert not layout.datasets.exists()


def test_an_entry_that_may_be_meant_for_the_dataset_is_refused(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "atlas")
    layout.settings.write_text("datasets: {Atlas: {donor_column: who}, later: {layer: X}}")
    said = c2s("build", "atlas", lake=layout.root)
    assert said.status == 1
    assert f"{layout.settings} has an entry for 'Atlas', which has no effect" in said.err
    assert "(is 'atlas' meant?)" in said.err
    assert not layout.datasets.exists()
    assert (
        "has an entry for 'later', which has no effect: the lake has no such"
        in c2s("ls", lake=layout.root).out
    )


def test_a_table_that_the_dataset_has_to_ask_for_is_refused_with_the_setting(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "atlas")
    said = c2s("build", "atlas", "--only", "image_patches", lake=layout.root)
    assert said.status == 1
    assert (
        "atlas does not ask for image_patches. State spatial.image in its entry of datasets.yaml" in said.err
    )
    assert not layout.datasets.exists()


def test_what_waits_in_the_inbox_is_built_with_all_that_is_outdated(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    layout.inbox_h5ad("broken").write_bytes(b"no h5ad")
    said = c2s("build", "--outdated", lake=layout.root)
    assert said.status == 1
    assert "broken: FAILED" in said.out


def test_a_mistake_in_an_entry_is_listed_with_its_dataset(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "right", "wrong")
    layout.settings.write_text("datasets: {wrong: {donor: x}}")
    *listed, problem, _ = c2s("ls", lake=layout.root).out.splitlines()  # the last line is of the disk
    assert "datasets.yaml: datasets.wrong.donor is not a key" in problem
    assert [line.split()[0] for line in listed] == ["right", "wrong"]


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dg.ExecuteInProcessResult]:
    """How building went of two datasets, one of which has a mistake in its entry."""
    layout = make_lake(tmp_path_factory.mktemp("mistaken"), "right", "wrong")
    layout.settings.write_text(
        "datasets: {wrong: {age_unit: months, age_group_column: a}, right: {layer: X}}"
    )
    with open_workshop(layout) as workshop:
        return {
            dataset_id: build_only(workshop, dataset_id, "raw_h5ad", "dataset_profile")
            for dataset_id in ("right", "wrong")
        }


def test_a_mistake_in_one_entry_stops_that_dataset_only(
    mistaken: dict[str, dg.ExecuteInProcessResult],
) -> None:
    assert mistaken["right"].success
    assert not mistaken["wrong"].success
    failed = mistaken["wrong"].get_step_failure_events()[0].step_failure_data.user_failure_data
    assert failed is not None
    assert "dataset wrong: datasets.yaml: datasets.wrong: age_unit, months, would not be" in str(
        failed.description
    )
