"""Every way in which a dataset can stand, on the page that lists them."""

import re

import dagster as dg
import pytest

from c2s_assets.defs.ui.overview import overview
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.defs.building import Workshop, build_only, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

_EARLY = ["raw_h5ad", "dataset_profile", "cell_metadata"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page on a lake in which datasets stand in every way."""
    layout = make_lake(
        tmp_path_factory.mktemp("overview"), "built", "changed", "begun", "cut", "queued", "waiting"
    )
    drop_toy_h5ad(layout, "scaled", matrices="scaled X")
    for dataset_id in ("torn file", "resting"):
        layout.inbox_h5ad(dataset_id.replace(" ", "_")).write_bytes(b"<html>")
    with open_workshop(layout) as workshop:
        for dataset_id in ("built", "changed"):
            assert workshop.build(dataset_id).succeeded
        for dataset_id in ("begun", "cut"):
            assert build_only(workshop, dataset_id, *_EARLY).success
        assert not build_only(workshop, "scaled", *_EARLY, "feature_metadata", "cell_sentences").success
        assert not build_only(workshop, "torn_file", "raw_h5ad").success
        _make_run(workshop, "resting", dg.DagsterRunStatus.FAILURE)
        _make_run(workshop, "begun", dg.DagsterRunStatus.STARTED)
        _make_run(workshop, "queued", dg.DagsterRunStatus.NOT_STARTED)
        layout.settings.write_text("datasets: {changed: {organism: Mus musculus}}")
        _tear(layout)
        return overview(workshop.instance, layout)


def _make_run(workshop: Workshop, dataset_id: str, status: dg.DagsterRunStatus) -> None:
    """Make a run that stands so, whatever it would do."""
    job = workshop.definitions.resolve_job_def("build_dataset")
    workshop.instance.create_run_for_job(job, status=status, tags={"dagster/partition": dataset_id})


def _tear(layout: Layout) -> None:
    layout.dataset("torn").mkdir()
    layout.record("torn").write_text("{")
    layout.table("cell_metadata", "torn").touch()


@pytest.mark.parametrize(
    ("dataset_id", "stands", "why"),
    [
        ("built", "built", "checks do not hold: test_share_near_target, ages_are_balanced"),
        ("changed", "outdated", "organism is &#x27;Mus musculus&#x27; now"),
        ("begun", "being built", "not built: "),
        ("queued", "waits", ""),
        ("cut", "incomplete", "not built: cell_fingerprints, split_manifest"),
        ("waiting", "never built", ""),
        ("scaled", "refused", "scaled"),
        ("torn", "cannot be read", "record.json"),
        ("torn_file", "refused", "web page (HTML)"),
        ("resting", "never built", "It goes on by itself while c2s ui runs"),
    ],
)
def test_a_dataset_stands(page: str, dataset_id: str, stands: str, why: str) -> None:
    row = next(row for row in re.findall("<tr.*?</tr>", page) if f">{dataset_id}<" in row)
    assert f"<td>{stands}</td>" in row
    assert why in row


def test_a_dataset_with_a_page_has_a_link_to_it(page: str) -> None:
    """One that was refused has a page that says why."""
    links = {"/", "/c2s/~health", "/c2s/built", "/c2s/changed", "/c2s/scaled", "/c2s/torn_file"}
    assert set(re.findall('href="(.*?)"', page)) == links


def test_it_counts_how_they_stand(page: str) -> None:
    counts = "1 being built, 1 built, 1 cannot be read, 1 incomplete, 2 never built, 1 outdated, 2 refused"
    assert f"{counts}, 1 waits" in page
