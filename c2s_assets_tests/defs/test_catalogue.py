"""`catalogue`, `corpus_report` and the publication of `train_test`, through Dagster."""

import json
import re
import threading
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from c2s_assets.defs.automation.catalogue import hourly_catalogue
from c2s_assets.defs.resources import Store
from c2s_assets.defs.service import BuildReport, build_catalogue, register
from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.catalogue import CATALOGUE
from c2s_assets.schemas.discover import ListingHistory
from c2s_assets.schemas.documents import CorpusReport, Provenance
from c2s_assets.storage.catalogue.queries import answer_query
from c2s_assets.storage.catalogue.versions import open_catalogue
from c2s_assets.storage.lake.documents import read_document, write_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.sources.listing import stage_listing
from c2s_assets_tests.defs.building import Workshop, broken, failures, open_workshop
from c2s_assets_tests.discover import describe_collection, describe_dataset
from c2s_assets_tests.listing import list_collections, list_datasets
from c2s_assets_tests.toy import make_lake, put_toy_tables

QUERIES = Path(__file__).parents[2] / "docs" / "queries.md"
COLLECTION = "11111111-0000-4000-8000-000000000000"


def renew(workshop: Workshop) -> BuildReport:
    return build_catalogue(workshop.instance, workshop.definitions)


def ask(layout: Layout, sql: str) -> list[tuple[object, ...]]:
    return answer_query(layout, sql, max_rows=1000).rows.rows()


def put_two_datasets(layout: Layout) -> None:
    """Lung cells of three people, one of them a copy, and blood cells of two, one of whom nobody knows."""
    lung = {
        "donor_id": ["ann", "ann", "bob", "cleo"],
        "age": pl.Series([34.0, 34.0, 36.0, 61.0], dtype=pl.Float32),
        "tissue": ["lung"] * 4,
        "disease": ["normal", "asthma", "asthma", "normal"],
        "is_primary_data": [True, True, True, False],
    }
    blood = {
        "donor_id": ["dan", "unknown"],
        "age": pl.Series([8.5, None], dtype=pl.Float32),
        "tissue": ["blood"] * 2,
        "disease": ["normal", "normal"],
    }
    genes = {
        "feature_id": ["E1", "E2", "E3"],
        "symbol": ["A", "B", "C"],
        "approved_symbol": ["A", "B1", None],
    }
    put_toy_tables(
        layout, "lung", cells=pl.DataFrame(lung), features=pl.DataFrame({**genes, "n_cells": [1, 4, 2]})
    )
    put_toy_tables(
        layout, "blood", cells=pl.DataFrame(blood), features=pl.DataFrame({**genes, "n_cells": [2, 1, 0]})
    )


def put_listing(layout: Layout, *dataset_ids: str, withdrawn: tuple[str, ...] = (), **fields: object) -> None:
    """Commit a listing of datasets in one collection, whose description names somebody's address."""
    own = {"collection_id": COLLECTION, "dataset_version_id": "v1", **fields}
    records = [describe_dataset(dataset_id, position=0) | own for dataset_id in dataset_ids]
    listing = list_datasets(records).rows
    collections = list_collections([describe_collection(records)]).rows
    history = pl.DataFrame(
        [(name, "withdrawn", None, "1", None, date(2026, 1, 1)) for name in withdrawn],
        schema=frame_schema(ListingHistory),
        orient="row",
    )
    with stage(layout, "cellxgene_listing") as staged:
        stage_listing(
            staged, layout, listing=listing, collections=collections, history=history, origin={}, etags={}
        )
        staged.commit(layout.listing, layout.collections, layout.listing_history)


def documented_queries() -> list[str]:
    return re.findall(r"```sql\n(.*?)```", QUERIES.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_documented_queries_give_the_answers_that_can_be_counted(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    put_two_datasets(layout)
    h5ad = {"filetype": "H5AD", "filesize": 2_000_000_000, "url": "https://datasets.example.org/a.h5ad"}
    tissues = [{"label": name, "ontology_term_id": "UBERON:0"} for name in ("lung", "blood")]
    put_listing(layout, "lung", "far", tissue=tissues, primary_cell_count=70, assets=[h5ad])
    with open_workshop(layout) as workshop:
        assert renew(workshop).succeeded
    answers = [ask(layout, sql) for sql in documented_queries()]

    assert answers[2] == [("blood", 0, 1, 1), ("lung", 30, 3, 2)]
    assert answers[3] == [("normal", 3, 2), ("asthma", 2, 1)]
    assert answers[4] == [("B", "E2", 2, 2, 5), ("A", "E1", 2, 2, 3), ("C", "E3", 1, 2, 2)]
    assert answers[5] == [("A", ["A"], 2), ("B1", ["B"], 2)]
    assert answers[6] == [("blood", 2, 140, 4.0), ("lung", 2, 140, 4.0)]
    assert answers[7:] == [[], [], []], "no donor is split: there is no plan, and nothing is summed by donor"
    assert answers[:2] == [[], []], "nothing is split, so there is nothing to train on"
    assert len(answers) == 10
    assert ask(layout, "select dataset_id from listing anti join datasets using (dataset_id)") == [("far",)]


def test_donors_who_are_on_two_sides_of_two_datasets_are_told_of(tmp_path: Path) -> None:
    def cells(*rows: tuple[str, float | None, bool]) -> pl.DataFrame:
        table = pl.DataFrame(list(rows), ["donor_id", "age", "is_primary_data"], orient="row")
        return table.cast({"age": pl.Float32}).with_columns(donor_uid="c/" + pl.col("donor_id"))

    layout = make_lake(tmp_path)
    first = cells(("ann", 30, True), ("bob", 40, True), ("cleo", 50, False), ("cleo", 50, True))
    second = cells(("ann", 30, True), ("bob", 40, True), ("dan", None, True), ("dan", 60, True))
    ageless = cells(("unknown", None, True), ("eve", None, True)).drop("is_primary_data")
    put_toy_tables(layout, "first", cells=first, test_donors=["bob"])
    put_toy_tables(layout, "second", cells=second, test_donors=["ann", "dan"])
    put_toy_tables(layout, "third", cells=ageless, test_donors=["eve"])
    with open_workshop(layout) as workshop:
        report = renew(workshop)

    assert report.succeeded, failures(report)
    both = {"corpus_report/donors_are_on_one_side", "corpus_report/datasets_share_no_cells"}
    assert broken(report) == both  # half of the cells of first are in second too
    assert "2 of 5 donors are in train of one dataset and in test of another" in report.broken[0].message
    assert "Give each donor one side again: c2s audit" in report.broken[0].message
    everything = ask(layout, "select split, sum(n_eligible) from splits group by all order by all")
    assert everything == [("test", 4), ("train", 4)]


@pytest.mark.pictures
def test_catalogue_and_report_show_what_a_person_needs(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    put_two_datasets(layout)
    with open_workshop(layout) as workshop:
        report = renew(workshop)
        figures = {step.asset: step.figures for step in report.steps}

    assert report.succeeded
    assert broken(report) == set()
    assert report.n_checks == 7
    assert figures["catalogue"]["n_cells"] == 6
    assert figures["catalogue"]["n_genes"] == 3
    assert figures["catalogue"]["size_bytes"] == layout.catalogue.stat().st_size < 5e6
    assert "| lung |" in figures["catalogue"]["datasets"]
    assert figures["catalogue"]["columns"].count("\n") > sum(
        len(table.columns) for table in CATALOGUE.values()
    )
    written = read_document(layout.corpus_report, CorpusReport)
    assert (written.totals.n_datasets, written.totals.n_cells, written.totals.n_primary_cells) == (2, 6, 5)
    assert (written.totals.n_donors, written.totals.n_cells_with_age) == (4, 5)
    decades = [(g.value, g.n_cells, g.n_donors) for g in written.groups if g.property == "age_decade"]
    assert decades == [("0 to 9", 1, 1), ("30 to 39", 3, 2), ("60 to 69", 1, 1), (None, 1, 0)]
    for name in ("tissue", "disease", "organism", "age_decade"):
        assert figures["corpus_report"][f"{name}_table"].startswith(f"| {name} | n_cells")
        assert 5_000 < len(figures["corpus_report"][name]) < 200_000
    assert "assay" not in figures["corpus_report"], "no dataset says, so there is nothing to draw"


def test_a_spoilt_dataset_is_named_by_a_check_and_a_withdrawn_one_is_gone(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    put_two_datasets(layout)
    put_toy_tables(layout, "gone", cells=pl.DataFrame({"donor_id": ["a"]}))
    put_toy_tables(layout, "spoilt", cells=pl.DataFrame({"donor_id": ["a"]}))
    layout.table("cell_metadata", "spoilt").write_bytes(b"PAR1 nothing")
    put_listing(layout, "lung", withdrawn=("gone",))
    with open_workshop(layout) as workshop:
        report = renew(workshop)

    assert report.succeeded
    assert broken(report) == {"catalogue/reads_every_dataset"}
    assert "spoilt" in report.broken[0].message
    assert ask(layout, "select dataset_id, publication_doi from datasets") == [
        ("blood", None),
        ("lung", "10.1000/toy.0"),
    ]
    assert ask(layout, "select doi, journal, published_year, n_datasets from publications") == [
        ("10.1000/toy.0", "Journal of Toys", 2024, 1)
    ]
    [(name, authors, description)] = ask(layout, "select name, authors, description from collections")
    assert (name, authors) == ("Toy collection 0", ["Turing, Ada", "The Toy Consortium"])
    assert "@" not in str(description)


def test_an_empty_lake_has_an_empty_catalogue(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    with open_workshop(layout) as workshop:
        report = renew(workshop)

    assert report.succeeded, failures(report)
    assert broken(report) == set()
    assert ask(layout, "select count(*) from cells") == [(0,)]
    assert read_document(layout.corpus_report, CorpusReport).totals.n_cells == 0


def test_the_schedule_runs_when_tables_have_changed(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    store = Store(root=str(layout.root))

    def tick(workshop: Workshop) -> object:
        context = dg.build_schedule_context(workshop.instance, resources={"store": store})
        return hourly_catalogue(context)

    with open_workshop(layout) as workshop:
        put_two_datasets(layout)
        assert isinstance(tick(workshop), dg.RunRequest)
        renew(workshop)
        assert isinstance(tick(workshop), dg.SkipReason)
        put_two_datasets(layout)
        assert isinstance(tick(workshop), dg.RunRequest)


def _build_up_to_train_test(workshop: Workshop, dataset_id: str) -> dg.ExecuteInProcessResult:
    register(workshop.instance, dataset_id)
    wanted = dg.AssetSelection.assets("train_test").upstream() - dg.AssetSelection.groups("sources")
    job = dg.define_asset_job("up_to_train_test", selection=wanted)
    definitions = dg.Definitions.merge(workshop.definitions, dg.Definitions(jobs=[job]))
    return definitions.resolve_job_def(job.name).execute_in_process(
        instance=workshop.instance, partition_key=dataset_id, raise_on_error=False
    )


def test_records_name_the_publication_that_discover_lists_and_no_address(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    put_listing(layout, "toy")
    with open_workshop(layout) as workshop:
        assert _build_up_to_train_test(workshop, "toy").success
        sides = workshop.train_test("toy")
        assert renew(workshop).succeeded

    said = sides.select("collection_id", "^publication_.*$").unique()
    assert said.row(0, named=True) == {
        "collection_id": COLLECTION,
        "publication_title": "Toy collection 0",
        "publication_doi": "10.1000/toy.0",
        "publication_description": said["publication_description"][0],
    }
    assert said.height == 1
    assert "Cells of toys" in said["publication_description"][0]
    assert not sides.select(pl.any_horizontal(pl.col(pl.String).str.contains("@")).any()).item()
    # One that was really built: its views agree with its tables.
    said = "select n_cells, n_features, is_current, is_newest from datasets"
    assert ask(layout, said) == [(60, 40, True, None)], "it was dropped, so that no version of it is known"
    counts = (
        "select (select count(*) from cells), (select count(*) from sentences), (select count(*) from splits)"
    )
    assert ask(layout, counts) == [(60, 60, 4)]
    assert ask(layout, "select sum(n_eligible) from splits") == [(60,)]


def test_a_dataset_is_the_newest_as_long_as_discover_lists_no_other_version(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    put_two_datasets(layout)
    source = Provenance(sha256="a" * 64, dataset_version_id="v1", size_bytes=1, n_obs=4, n_vars=3)
    layout.raw_provenance("lung").parent.mkdir()
    write_document(layout.raw_provenance("lung"), source)
    said = []
    for version in ("v1", "v2"):
        put_listing(layout, "lung", dataset_version_id=version)
        with open_workshop(layout) as workshop:
            assert renew(workshop).succeeded
        said.append(ask(layout, "select dataset_id, is_current, is_newest from datasets"))

    assert said == [
        [("blood", False, None), ("lung", True, True)],
        [("blood", False, None), ("lung", True, False)],
    ]


@pytest.mark.slow
def test_a_real_build_and_a_reader_do_not_wait_for_each_other(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "real")
    put_two_datasets(layout)
    with open_workshop(layout) as workshop:
        assert renew(workshop).succeeded
        results: list[bool] = []
        building = threading.Thread(
            target=lambda: results.append(_build_up_to_train_test(workshop, "real").success)
        )
        building.start()
        seen = []
        while building.is_alive():
            with open_catalogue(layout.catalogue) as reader:
                counted = dict(reader.rows("reports/cells_per_dataset").iter_rows())
            assert {name: n for name, n in counted.items() if name != "real"} == {"lung": 4, "blood": 2}
            assert counted.get("real", 60) == 60
            seen.append(len(counted))
            if len(seen) % 5 == 0:
                assert renew(workshop).succeeded
        building.join()
        assert results == [True]
        assert renew(workshop).succeeded
    assert dict(ask(layout, "select dataset_id, n_cells from datasets"))["real"] == 60
    assert seen
    assert json.loads(layout.corpus_report.read_text())["totals"]["n_datasets"] == 3


def test_two_datasets_of_the_same_cells_are_named(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    donors = ["ann", "ann", "bob", "cleo"]
    put_toy_tables(layout, "one", cells=pl.DataFrame({"donor_id": donors}))
    put_toy_tables(layout, "same", cells=pl.DataFrame({"donor_id": [*donors, "dan"]}))
    put_toy_tables(layout, "other", cells=pl.DataFrame({"donor_id": ["ann", "x", "y", "z"]}))
    with open_workshop(layout) as workshop:
        report = renew(workshop)

    message = next(c.message for c in report.broken if c.claim == "datasets_share_no_cells")
    assert (
        "1 pairs of datasets hold the same cells of the same donors, the first one and same: 4 of the 4"
        in message
    )
    assert "c2s rm one" in message
