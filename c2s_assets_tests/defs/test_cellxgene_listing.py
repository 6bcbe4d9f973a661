"""`cellxgene_listing` from a local server that behaves like CELLxGENE Discover, and misbehaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from c2s_assets.defs.automation.refresh import daily_listing
from c2s_assets.defs.resources import Store
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.listing import withdrawn_datasets
from c2s_assets_tests.defs.building import Workshop, open_workshop
from c2s_assets_tests.discover import COLLECTIONS, DATASETS, MALFORMED, Fault, LocalDiscover, serve_discover
from c2s_assets_tests.serving import record_waits
from c2s_assets_tests.toy import make_lake


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return record_waits(monkeypatch)


@contextmanager
def discovering(folder: Path, n_datasets: int) -> Iterator[tuple[LocalDiscover, Workshop, list[str]]]:
    """Open a workshop beside a Discover of some datasets."""
    layout = make_lake(folder)
    with serve_discover() as discover, open_workshop(layout, cellxgene_url=discover.url) as workshop:
        yield discover, workshop, discover.generate(n_datasets)


def materialize(workshop: Workshop, **config: float) -> dg.ExecuteInProcessResult:
    """Run the job of the daily schedule."""
    return workshop.definitions.resolve_job_def("list_cellxgene").execute_in_process(
        instance=workshop.instance,
        raise_on_error=False,
        run_config={"ops": {"cellxgene_listing": {"config": config}}},
    )


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {one.check_name: one.passed for one in result.get_asset_check_evaluations()}


def figures(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    metadata = result.asset_materializations_for_node("cellxgene_listing")[0].metadata
    return {name: value.value for name, value in metadata.items()}


def failure(result: dg.ExecuteInProcessResult) -> str:
    found = result.failure_data_for_node("cellxgene_listing")
    assert found is not None
    return str(found.user_failure_data.description if found.user_failure_data else found.error)


def files(layout: Layout) -> list[bytes]:
    return [path.read_bytes() for path in (layout.listing, layout.collections, layout.listing_history)]


def events(layout: Layout) -> list[tuple[str, str]]:
    return pl.read_parquet(layout.listing_history).select("dataset_id", "event").rows()


def test_a_listing_is_kept_and_the_same_listing_changes_nothing(tmp_path: Path) -> None:
    with discovering(tmp_path, 20) as (discover, workshop, ids):
        first = materialize(workshop)
        before = files(workshop.layout)
        again = materialize(workshop)

    listing = pl.read_parquet(workshop.layout.listing)
    assert listing["dataset_id"].to_list() == sorted(ids)
    assert listing["h5ad_url"].str.starts_with(f"{discover.url}/h5ad/").all()
    assert pl.read_parquet(workshop.layout.collections).height == 7
    assert checks(first) == {
        "keeps_schema": True,
        "listing_did_not_shrink": True,
        "records_are_well_formed": True,
    }
    assert figures(first)["n_added"] == 20
    assert "Toy dataset" in str(figures(first)["added"])
    assert (again.success, figures(again)["n_added"]) == (True, 0)
    assert files(workshop.layout) == before
    assert figures(again)["digest"] == figures(first)["digest"]


def test_no_address_of_a_person_is_kept(tmp_path: Path) -> None:
    with discovering(tmp_path, 3) as (_, workshop, _):
        materialize(workshop)
    tables = [pl.read_parquet(path) for path in workshop.layout.listing.parent.glob("*.parquet")]
    assert len(tables) == 3
    for table in tables:
        text = table.select(pl.exclude(pl.List(pl.String), pl.List(pl.Boolean))).write_csv()
        assert "@" not in text
        assert "contact" not in text


def test_what_was_added_revised_and_withdrawn_is_told(tmp_path: Path) -> None:
    with discovering(tmp_path, 20) as (discover, workshop, ids):
        materialize(workshop)
        discover.add("new", b"file")
        discover.revise(ids[0], b"other", cell_count=7)
        discover.withdraw(ids[1])
        discover.vanish(ids[2])
        second = materialize(workshop)
        assert withdrawn_datasets(workshop.layout) == {ids[1]}
        third = materialize(workshop)

    assert [figures(second)[f"n_{name}"] for name in ("added", "revised", "withdrawn", "missing")] == [
        1,
        1,
        1,
        2,
    ]
    assert "cells: 500 to 7" in str(figures(second)["revised"])
    assert events(workshop.layout)[20:] == [
        ("new", "added"),
        (ids[0], "revised"),
        (ids[1], "withdrawn"),
        (ids[2], "withdrawn"),
    ]
    assert figures(third)["n_withdrawn"] == 1
    assert "Discover says so (410)" in str(figures(second)["withdrawn"])
    assert "absent from two listings" in str(figures(third)["withdrawn"])
    assert withdrawn_datasets(workshop.layout) == {ids[1], ids[2]}
    assert set(pl.read_parquet(workshop.layout.listing)["dataset_id"]) == {*ids[3:], ids[0], "new"}


def test_malformed_records_are_set_aside_and_the_others_go_on(tmp_path: Path) -> None:
    with discovering(tmp_path, 20) as (discover, workshop, _):
        discover.misbehave(DATASETS, "malformed")
        result = materialize(workshop)
    assert result.success
    assert checks(result)["records_are_well_formed"] is False
    shown = next(e for e in result.get_asset_check_evaluations() if e.check_name == "records_are_well_formed")
    assert f"{len(MALFORMED)} of 31 records are set aside" in (shown.description or "")
    assert "../../etc/passwd" in str(shown.metadata["rows"].value)
    assert pl.read_parquet(workshop.layout.listing).height == 20


def test_what_has_not_changed_is_not_sent_again_and_the_missing_are_still_counted(tmp_path: Path) -> None:
    with discovering(tmp_path, 20) as (discover, workshop, ids):
        materialize(workshop)
        discover.vanish(ids[3])
        materialize(workshop)
        before, n_sent = pl.read_parquet(workshop.layout.listing), discover.n_sent[DATASETS]
        result = materialize(workshop)
        assert discover.n_sent[DATASETS] == n_sent
    assert before.filter(pl.col("n_absent") == 1)["dataset_id"].to_list() == [ids[3]]
    assert figures(result)["n_withdrawn"] == 1
    after = pl.read_parquet(workshop.layout.listing)
    assert after.equals(before.filter(pl.col("dataset_id") != ids[3]))


@pytest.mark.parametrize("fault", ["malformed", "changed"])
def test_what_could_not_be_read_or_is_named_anew_is_sent_again(tmp_path: Path, fault: Fault) -> None:
    with discovering(tmp_path, 3) as (discover, workshop, _):
        discover.misbehave(DATASETS, fault)
        materialize(workshop)
        n_sent = discover.n_sent[DATASETS]
        result = materialize(workshop)
        assert discover.n_sent[DATASETS] > n_sent
    assert all(checks(result).values())


def test_the_etag_of_another_server_is_not_used(tmp_path: Path) -> None:
    with discovering(tmp_path, 3) as (_, workshop, ids), serve_discover() as mirror:
        materialize(workshop)
        mirror.generate(3)
        with open_workshop(workshop.layout, cellxgene_url=mirror.url) as other:
            assert materialize(other).success
        assert mirror.n_sent[DATASETS] > 0
    listing = pl.read_parquet(workshop.layout.listing)
    assert listing["dataset_id"].to_list() == sorted(ids)
    assert listing["h5ad_url"].str.starts_with(mirror.url).all()


@pytest.mark.parametrize("fault", ["busy", "broken", "cut"])
def test_a_server_that_is_busy_for_a_moment_is_waited_for(
    tmp_path: Path, fault: str, waits: list[float]
) -> None:
    with discovering(tmp_path, 3) as (discover, workshop, _):
        discover.misbehave(DATASETS, fault, n_times=2, retry_after="7")
        discover.misbehave(COLLECTIONS, fault)
        assert materialize(workshop).success
        assert pl.read_parquet(workshop.layout.listing).height == 3
    assert sorted(waits) == ([1, 8, 9] if fault == "busy" else [1, 1, 2])


@pytest.mark.parametrize("path", [DATASETS, COLLECTIONS])
def test_an_empty_listing_is_refused_and_the_last_one_stays(tmp_path: Path, path: str) -> None:
    with discovering(tmp_path, 3) as (discover, workshop, _):
        materialize(workshop)
        before = files(workshop.layout)
        discover.misbehave(path, "empty")
        result = materialize(workshop)
        n_asked = discover.n_requests[path]
    assert not result.success
    assert "listing_did_not_shrink: Discover lists 0 " in failure(result)
    assert checks(result)["listing_did_not_shrink"] is False
    assert files(workshop.layout) == before
    assert n_asked == 2  # what is refused is not asked for again at once


def test_a_listing_that_shrinks_is_refused_unless_it_is_allowed_to(tmp_path: Path) -> None:
    with discovering(tmp_path, 20) as (discover, workshop, ids):
        materialize(workshop)
        before = files(workshop.layout)
        for dataset_id in ids[:5]:
            discover.withdraw(dataset_id)
        refused = materialize(workshop)
        assert files(workshop.layout) == before
        assert not any(discover.n_requests[f"{DATASETS}/{dataset_id}/versions"] for dataset_id in ids)
        allowed = materialize(workshop, largest_loss=0.3)
    assert "20 were listed last time" in failure(refused)
    assert (allowed.success, figures(allowed)["n_withdrawn"]) == (True, 5)


def test_the_schedule_lists_only_for_those_who_select_something(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)

    def ask() -> object:
        context = dg.build_schedule_context(resources={"store": Store(root=str(layout.root))})
        return daily_listing(context)

    assert isinstance(ask(), dg.SkipReason)
    layout.settings.write_text("cellxgene: {tissue: [blood]}")
    assert isinstance(ask(), dg.RunRequest)
