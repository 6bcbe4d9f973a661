"""Releases in the UI: a partition for each that is described; nothing is sent unless that is asked for."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from c2s_assets.defs.automation.releases import daily_releases, described_releases
from c2s_assets.defs.partitions import releases
from c2s_assets.defs.resources import Store
from c2s_assets.defs.service import run_release
from c2s_assets_tests.clients.publishing import hub_to_write, stage_files
from c2s_assets_tests.defs.building import Workshop, open_workshop
from c2s_assets_tests.hub import LocalHub
from c2s_assets_tests.toy import make_lake


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    with hub_to_write(tmp_path / "hub", monkeypatch) as hub:
        yield hub


@pytest.fixture
def workshop(tmp_path: Path, hub: LocalHub) -> Iterator[Workshop]:
    """A lake in which a release is staged."""
    layout = make_lake(tmp_path)
    layout.settings.write_text("releases: {corpus: {repo_id: me/corpus, licence: MIT}}\n", encoding="utf-8")
    layout.release("corpus").mkdir(parents=True)
    stage_files(layout.release("corpus"), {"README.md": b"# card\n", "blood/train/a.parquet": b"blood"})
    with open_workshop(layout, hub_url=hub.url) as workshop:
        yield workshop


def tick(workshop: Workshop) -> dict[str, list[str]]:
    """Let the sensor look once, and do what it asks for."""
    context = dg.build_sensor_context(instance=workshop.instance)
    result = described_releases(context, store=Store(root=str(workshop.layout.root)))
    if isinstance(result, dg.SkipReason):
        return {"skipped": [str(result.skip_message)]}
    for request in result.dynamic_partitions_requests or []:
        if isinstance(request, dg.AddDynamicPartitionsRequest):
            workshop.instance.add_dynamic_partitions("releases", list(request.partition_keys))
        else:
            for key in request.partition_keys:
                workshop.instance.delete_dynamic_partition("releases", key)
    return {"partitions": list(workshop.instance.get_dynamic_partitions(releases.name or ""))}


def test_partitions_are_the_releases_that_are_described(workshop: Workshop) -> None:
    assert tick(workshop) == {"partitions": ["corpus"]}
    workshop.layout.settings.write_text("releases: {other: {repo_id: me/other}}\n", encoding="utf-8")
    assert tick(workshop) == {"partitions": ["other"]}
    workshop.layout.settings.write_text("releases: {other: {repo_id: nobody}}\n", encoding="utf-8")
    assert "releases.other.repo_id" in tick(workshop)["skipped"][0]


def test_the_ui_only_tells_what_would_change(workshop: Workshop, hub: LocalHub) -> None:
    report = run_release(workshop.instance, workshop.definitions, "publish_release", name="corpus", config={})
    assert report.succeeded
    assert report.steps[0].figures["dry_run"] == "nothing was sent"
    assert "blood" in str(report.steps[0].figures["changes"])
    assert report.n_checks == 0
    assert set(hub.n_requests) == {"info"}


def test_what_is_published_is_recorded_with_its_version_and_address(
    workshop: Workshop, hub: LocalHub
) -> None:
    config = {"hub_dataset": {"config": {"dry_run": False}}}
    definitions = workshop.definitions
    report = run_release(workshop.instance, definitions, "publish_release", name="corpus", config=config)
    assert (report.succeeded, report.broken, report.n_checks) == (True, [], 3)
    figures = report.steps[0].figures
    assert figures["url"] == f"{hub.url}/datasets/me/corpus"
    assert (figures["version"], figures["revision"]) == ("2.0", hub.repo("me/corpus").tags["2.0"])


def test_a_refusal_names_the_release_and_makes_no_record_of_a_dataset(
    workshop: Workshop, hub: LocalHub
) -> None:
    hub.misbehave("commit", "full")
    config = {"hub_dataset": {"config": {"dry_run": False}}}
    definitions = workshop.definitions
    report = run_release(workshop.instance, definitions, "publish_release", name="corpus", config=config)
    assert not report.succeeded
    assert report.problems.startswith("release corpus: me/corpus: the Hub answered 403")
    assert not workshop.layout.datasets.exists()


def test_a_release_follows_only_if_it_says_so_and_its_datasets_are_built(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    store, day = Store(root=str(layout.root)), datetime(2026, 1, 2, 6, tzinfo=UTC)

    def said(releases: str) -> str:
        text = f"releases: {{corpus: {{repo_id: me/corpus{releases}}}}}\n"
        layout.settings.write_text(text, encoding="utf-8")
        with dg.instance_for_test() as instance:
            context = dg.build_schedule_context(instance=instance, scheduled_execution_time=day)
            skipped = daily_releases(context, store=store)
        assert isinstance(skipped, dg.SkipReason)
        return skipped.skip_message or ""

    assert said("") == "No release in datasets.yaml says follow."
    assert re.fullmatch("Release corpus waits: .* holds no dataset yet.*", said(", follow: publish"))
    assert "releases.corpus.follow is 'hourly'" in said(", follow: hourly")
