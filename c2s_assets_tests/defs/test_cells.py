"""Who is a donor, what is a copy and how old cells are: one reading for split, catalogue and reports."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from c2s_assets.defs.service import build_catalogue
from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.discover import ListingHistory
from c2s_assets.storage.catalogue.queries import answer_query
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.sources.listing import stage_listing
from c2s_assets_tests.defs.building import Workshop, build_only, failures, open_workshop
from c2s_assets_tests.discover import describe_collection, describe_dataset
from c2s_assets_tests.listing import list_collections, list_datasets
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake


def ask(workshop: Workshop, layout: Layout, sql: str) -> list[tuple[object, ...]]:
    report = build_catalogue(workshop.instance, workshop.definitions)
    assert report.succeeded, failures(report)
    return answer_query(layout, sql, max_rows=1000).rows.rows()


def build_cells(workshop: Workshop, dataset_id: str) -> dict[str, str]:
    """Build what is decided about cells; the messages of checks that do not hold, by claim."""
    result = build_only(
        workshop, dataset_id, "raw_h5ad", "dataset_profile", "cell_metadata", "split_manifest"
    )
    assert result.success
    evaluations = result.get_asset_check_evaluations()
    return {e.check_name: e.description or "" for e in evaluations if not e.passed}


def repeated(labels: Sequence[str | None], n_obs: int = 60) -> list[str | None]:
    return [labels[row % len(labels)] for row in range(n_obs)]


@pytest.mark.parametrize(
    ("labels", "n_donors", "n_unknown"),
    [
        (["donor0", "donor1", "donor2", "donor3", "doublet", "unassigned"], 4, 20),
        (["0", "1", "2", "0/1", "1/0", "unassigned"], 3, 30),
        (["HTO1", "HTO2", "HTO3", "HTO1_HTO2", "Doublet", "Negative"], 3, 30),
        (["SNG-a", "SNG-b", "DBL-a-b-0.500", "AMB-a-b-a/b", "-2147483648"], 2, 36),
        (["P0", "P0 ", "p1", "P1", "P2", "P2\u00a0"], 3, 0),
    ],
    ids=["vireo", "souporcell", "hashtags", "Demuxlet", "spaces and case"],
)
def test_one_rule_says_who_is_a_donor(
    tmp_path: Path, labels: list[str], n_donors: int, n_unknown: int
) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", n_donors=0, ages=(40,), obs={"donor_id": repeated(labels)})
    with open_workshop(layout) as workshop:
        broken = build_cells(workshop, "toy")
        cells = workshop.read("cell_metadata", "toy")
        manifest = workshop.read("split_manifest", "toy")
        counted = ask(workshop, layout, "select n_donors from datasets")

    assert ("donors_are_known" in broken) == (n_unknown > 0)
    known = set(cells.filter("has_known_donor")["donor_id"])
    assert (len(known), cells.height - cells["has_known_donor"].sum()) == (n_donors, n_unknown)
    assert counted == [(n_donors,)]
    assert manifest["fold"].count() == n_donors
    in_test = set(manifest.filter(split="test")["donor_id"])
    assert in_test
    assert in_test <= known
    assert "donor_id_in_source" in cells.columns or n_unknown > 0


def test_copies_said_in_words_are_copies_everywhere(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", obs={"is_primary_data": repeated(["no", "yes", "No", "True", "f", "1"])})
    with open_workshop(layout) as workshop:
        build_cells(workshop, "toy")
        cells = workshop.read("cell_metadata", "toy")
        n_used = workshop.read("split_manifest", "toy")["n_eligible"].sum()
        shown = ask(workshop, layout, "select count(*) from cells where not is_primary_data")
        counted = ask(workshop, layout, "select n_primary_cells from datasets")

    assert set(cells["is_primary_data_in_source"]) == {"no", "yes", "No", "True", "f", "1"}
    assert (n_used, shown, counted) == (30, [(30,)], [(30,)])


@pytest.mark.parametrize(
    ("obs", "ages"),
    [
        ({"age": repeated(["3m", "18m", "24m"])}, {0.25, 1.5, 2.0}),
        ({"age": repeated(["45 years", "62 yrs"])}, {45.0, 62.0}),
        ({"age_group": repeated(["18-24", "25-34", "65+"])}, {21.5, 30.0, 65.0}),
    ],
    ids=["months", "years", "groups of the census"],
)
def test_ages_in_words_are_read(tmp_path: Path, obs: dict[str, list[str | None]], ages: set[float]) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", ages=(), obs=obs)
    with open_workshop(layout) as workshop:
        broken = build_cells(workshop, "toy")
        assert set(workshop.read("cell_metadata", "toy")["age"]) == ages
    assert "ages_are_known" not in broken


def test_what_cannot_be_read_is_shown_and_what_may_hold_it_named(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    obs = {"Phase": repeated(["adult", "old", "45"]), "Age": [30.0 + row for row in range(60)]}
    drop_toy_h5ad(layout, "toy", n_donors=0, ages=(), obs=obs | {"patient": repeated(["a", "b", "c"])})
    layout.settings.write_text("datasets: {toy: {age_column: Phase}}")
    with open_workshop(layout) as workshop:
        broken = build_cells(workshop, "toy")

    assert (
        "Column 'Phase' holds 'adult' (20 cells), 'old' (20 cells), which cannot be"
        in broken["ages_are_known"]
    )
    assert "obs has 'Age', a column of numbers with 60 values: if it holds ages" in broken["ages_are_known"]
    assert "obs has 'patient' with 3 values: give the one" in broken["donors_are_known"]


def test_datasets_of_a_listed_collection_share_their_donors(tmp_path: Path) -> None:
    """Their files do not name the collection, and yet four donors of two datasets are four."""
    layout = make_lake(tmp_path)
    ids = ("one", "two", "own")
    for seed, dataset_id in enumerate(ids):
        drop_toy_h5ad(layout, dataset_id, seed=seed, uns={"citation": None})
    collection = "11111111-0000-4000-8000-000000000000"
    listed = {"collection_id": collection, "dataset_version_id": "v1"}
    records = [describe_dataset(name, position=0) | listed for name in ids[:2]]
    with stage(layout, "cellxgene_listing") as staged:
        stage_listing(
            staged,
            layout,
            listing=list_datasets(records).rows,
            collections=list_collections([describe_collection(records)]).rows,
            history=pl.DataFrame(
                [("x", "added", None, "1", None, date(2026, 1, 1))],
                schema=frame_schema(ListingHistory),
                orient="row",
            ),
            origin={},
            etags={},
        )
        staged.commit(layout.listing, layout.collections, layout.listing_history)
    with open_workshop(layout) as workshop:
        found = {}
        for dataset_id in ids:
            build_cells(workshop, dataset_id)
            found[dataset_id] = set(workshop.read("cell_metadata", dataset_id)["donor_uid"])
        n_donors = ask(workshop, layout, "select count(distinct donor_uid) from cells")

    assert found["one"] == found["two"] == {f"{collection}/donor_{number}" for number in range(4)}
    assert found["own"] == {f"own/donor_{number}" for number in range(4)}
    assert n_donors == [(8,)]
