"""The main job on toy files: what each table holds, and which checks speak up."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from c2s_assets.defs.service import BuildReport
from c2s_assets.schemas.registry import TABLES
from c2s_assets_tests.defs.building import (
    Workshop,
    broken,
    build_only,
    copy_lake,
    debris,
    failures,
    files_below,
    open_workshop,
)
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake


@dataclass(frozen=True)
class Built:
    """A dataset `toy`, and how its build ended."""

    workshop: Workshop
    report: BuildReport


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """What several tests look at, and none changes."""
    with open_workshop(make_lake(tmp_path_factory.mktemp("toy"), "toy")) as workshop:
        yield Built(workshop, workshop.build("toy"))


def test_a_toy_dataset_is_built_whole_and_every_check_holds_but_those_on_few_donors(toy: Built) -> None:
    assert toy.report.succeeded
    due = {name for name, declared in TABLES.items() if declared.asked_by is None}
    assert {step.asset for step in toy.report.steps} == due
    # Four donors of a quarter of the cells each: 5 % cannot be had, nor the same ages with one of them.
    # They have five cells of each type.
    assert broken(toy.report) <= {
        "split_manifest/test_share_near_target",
        "split_manifest/ages_are_balanced",
        "pseudobulk/groups_have_cells",
        "pseudocells/groups_have_cells",
        "validation_report/checks_hold",
    }
    cells = toy.workshop.read("cell_metadata", "toy")
    assert cells["cell_id"].to_list() == [f"cell_{row:04d}" for row in range(60)]
    assert cells["age"].unique().sort().to_list() == [20, 35, 50, 65]
    assert cells["donor_uid"][0] == "00000000-0000-4000-8000-000000000000/donor_0"
    assert cells["organism"].unique().to_list() == ["Homo sapiens"]
    assert toy.workshop.read("feature_metadata", "toy")["symbol"][0] == "GENE1"
    sides = toy.workshop.train_test("toy")
    assert sides.height == 60
    assert sides.columns[:3] == ["cell_id", "cell_sentence", "age"]
    assert sides["publication_doi"].unique().to_list() == ["10.1000/toy.1"]
    assert sides["publication_title"].unique().to_list() == ["Toy dataset"]
    per_donor = sides.group_by("donor_uid").agg(pl.col("side").n_unique())
    assert per_donor["side"].to_list() == [1, 1, 1, 1]


def test_building_twice_gives_the_same_bytes_and_leaves_no_debris(toy: Built) -> None:
    layout = toy.workshop.layout
    first = files_below(layout.dataset("toy"))
    report = toy.workshop.build("toy")

    assert report.succeeded
    assert files_below(layout.dataset("toy")) == first
    assert debris(layout) == []
    assert list(layout.inbox.iterdir()) == []


def test_every_materialization_reports_what_a_person_needs(toy: Built) -> None:
    figures = {step.asset: step.figures for step in toy.report.steps}
    tables = {"cell_metadata", "feature_metadata", "cell_sentences", "split_manifest", "train_test"}
    for asset in tables:
        assert figures[asset]["dagster/row_count"] > 0
        schema = figures[asset]["dagster/column_schema"]
        assert all(column.description for column in schema.columns)
        lineage = figures[asset]["dagster/column_lineage"].deps_by_column
        assert set(lineage) <= {column.name for column in schema.columns}
        assert lineage["cell_id" if asset != "feature_metadata" else "symbol"]
        assert figures[asset]["preview"].startswith("| ")
    for asset in figures:
        assert len(figures[asset]["digest"]) == 64
        assert figures[asset]["size_bytes"] > 0
    pictures = {"cell_metadata": {"ages", "cell_types"}}
    pictures |= {"cell_sentences": {"genes_per_cell", "words_above_ties"}}
    pictures |= {"split_manifest": {"cells_per_donor"}, "train_test": {"ages_by_split"}}
    for asset, names in pictures.items():
        for name in names:
            picture = figures[asset][name]
            assert "(data:image/png;base64," in picture
            assert len(picture) < 70_000
    assert figures["cell_sentences"]["spec_id"] == figures["train_test"]["sentences_spec_id"]
    assert figures["dataset_profile"]["verdict"] == "counts"
    assert figures["dataset_profile"]["layer"] == "raw.X"


def test_long_steps_log_their_progress(toy: Built) -> None:
    instance = toy.workshop.instance
    run_id = instance.get_run_records(limit=1)[0].dagster_run.run_id
    logged = [entry.user_message for entry in instance.all_logs(run_id)]

    assert any("60 of 60 cells" in message and "cells/s" in message for message in logged)


def test_every_encoding_of_the_matrix_gives_the_same_sentences(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "csr")
    drop_toy_h5ad(layout, "csc", encoding="csc", dtype="int64")
    drop_toy_h5ad(layout, "dense", encoding="dense", dtype="float64")
    with open_workshop(layout) as workshop:
        sentences = []
        for dataset_id in ("csr", "csc", "dense"):
            assert workshop.build(dataset_id, "cell_sentences").succeeded
            sentences.append(workshop.read("cell_sentences", dataset_id))

    assert sentences[0].equals(sentences[1])
    assert sentences[0].equals(sentences[2])


@pytest.mark.parametrize(
    ("matrices", "layer"), [("raw.X", "raw.X"), ("layers/counts", "layers/counts"), ("counts in X", "X")]
)
def test_counts_are_found_wherever_they_are(tmp_path: Path, matrices: str, layer: str) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", matrices=matrices)
    with open_workshop(layout) as workshop:
        report = workshop.build("toy", "dataset_profile")
        profile = next(step.figures for step in report.steps if step.asset == "dataset_profile")

    assert (profile["layer"], profile["verdict"]) == (layer, "counts")


def test_a_scaled_matrix_is_refused_before_anything_is_made_of_it(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", matrices="scaled X")
    with open_workshop(layout) as workshop:
        report = workshop.build("toy")

        assert failures(report).keys() == {"dataset_profile"}
        assert "dataset_profile/matrix_can_be_ranked" in broken(report)
        problem = failures(report)["dataset_profile"]
        assert problem.startswith("dataset toy: ")
        assert "X was scaled" in problem
        assert "name it as layer in the dataset's entry of datasets.yaml" in problem
        made = {path.name for path in layout.dataset("toy").iterdir()}
        assert made == {"record.json", "unstructured_metadata.json"}


def test_a_failed_check_of_one_dataset_does_not_touch_another(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "good")
    drop_toy_h5ad(layout, "bad", matrices="scaled X")
    with open_workshop(layout) as workshop:
        assert not workshop.build("bad", "train_test").succeeded
        assert workshop.build("good", "train_test").succeeded
        materialized = workshop.instance.get_materialized_partitions(dg.AssetKey("train_test"))

    assert materialized == {"good"}


def test_a_new_version_that_breaks_a_check_leaves_the_previous_tables(toy: Built, tmp_path: Path) -> None:
    layout = copy_lake(toy.workshop.layout, tmp_path)
    with open_workshop(layout) as workshop:
        before = files_below(layout.dataset("toy"))
        drop_toy_h5ad(layout, "toy", seed=1)
        names = [f"cell_{row:04d}" for row in range(59)] + ["cell_0000"]
        _rename_cells(layout.inbox_h5ad("toy"), names)
        report = workshop.build("toy")

        assert "cell_metadata/cell_ids_are_unique" in broken(report)
        assert "'cell_0000'" in failures(report)["cell_metadata"]
        after = files_below(layout.dataset("toy"))
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"profile.json", "record.json"}
        assert debris(layout) == []


def test_tables_of_an_old_source_are_not_mixed_with_a_new_one(toy: Built, tmp_path: Path) -> None:
    layout = copy_lake(toy.workshop.layout, tmp_path)
    with open_workshop(layout) as workshop:
        drop_toy_h5ad(layout, "toy", seed=1)
        assert build_only(workshop, "toy", "raw_h5ad").success
        result = build_only(workshop, "toy", "train_test")

    failure = result.failure_data_for_node("train_test")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "the source file is another one now" in (failure.user_failure_data.description or "")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"n_donors": 0}, {"cell_metadata/donors_are_known", "split_manifest/splits_by_donor"}),
        ({"n_donors": 1}, {"split_manifest/test_share_near_target", "train_test/has_both_splits"}),
        ({"ages": ()}, {"cell_metadata/ages_are_known", "train_test/cells_have_ages"}),
        ({"ages": (None,)}, {"cell_metadata/ages_are_known", "train_test/cells_have_ages"}),
        ({"obs": {"is_primary_data": False}}, {"train_test/has_both_splits"}),
    ],
    ids=["no donors", "one donor", "no age column", "all ages unknown", "nothing but copies"],
)
def test_what_is_missing_is_a_warning_and_the_rest_is_built(
    tmp_path: Path, options: dict[str, object], expected: set[str]
) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", **options)
    with open_workshop(layout) as workshop:
        report = workshop.build("toy")

    assert report.succeeded
    assert expected <= broken(report)


def test_copies_and_cells_without_age_are_left_out_and_counted(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    is_primary = np.arange(60) >= 6
    drop_toy_h5ad(layout, "toy", obs={"is_primary_data": is_primary}, ages=(20, 35, None, 65))
    with open_workshop(layout) as workshop:
        assert workshop.build("toy", "train_test").succeeded
        manifest = workshop.read("split_manifest", "toy")
        listed = workshop.train_test("toy")

    # Of 54 primary cells, those of donor 2 have no age: 15 less its one cell (2) among the copies.
    assert manifest["n_non_primary"].sum() == 6
    assert manifest["n_without_age"].sum() == 14
    assert listed.height == 60 - 6 - 14
    assert "donor_2" not in listed["donor_id"].to_list()


def test_datasets_yaml_maps_what_a_file_calls_otherwise(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(
        layout,
        "atlas",
        n_donors=0,
        ages=(),
        obs={
            "DonorID": [f"P{row % 4}" for row in range(60)],
            "Age_group": [("15-20", "20-25", "70-75", "70-75")[row % 4] for row in range(60)],
        },
        var={"feature_name": None, "gene": [f"SYM{column}" for column in range(40)]},
    )
    layout.settings.write_text(
        "sentences: {top_n: 5, gene_lists: {few: [SYM1, SYM2]}}\n"
        "split: {test_size: 0.3}\n"
        "datasets:\n"
        "  atlas: {donor_column: DonorID, age_group_column: Age_group, symbol_column: gene, title: Muscle,\n"
        "          layer: X}\n"
    )
    with open_workshop(layout) as workshop:
        report = workshop.build("atlas", "train_test")
        listed = workshop.train_test("atlas")
        sentences = workshop.read("cell_sentences", "atlas")

    assert report.succeeded
    assert listed["age"].unique().sort().to_list() == [17.5, 22.5, 72.5]
    assert listed["donor_id"].unique().sort().to_list() == ["P0", "P1", "P2", "P3"]
    assert listed["publication_title"][0] == "Muscle"
    assert sentences["sentence_length"].max() == 5
    assert set(" ".join(sentences["cell_sentence_few"]).split()) == {"SYM1", "SYM2"}
    assert next(s for s in report.steps if s.asset == "dataset_profile").figures["layer"] == "X"


def _rename_cells(path: Path, names: list[str]) -> None:
    import h5py

    with h5py.File(path, "r+") as file:
        index = file["obs"].attrs["_index"]
        attributes = dict(file["obs"][index].attrs)
        del file["obs"][index]
        file["obs"][index] = names
        file["obs"][index].attrs.update(attributes)
