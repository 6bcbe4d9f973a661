"""The refresh sensor, called as Dagster calls it, and the builds that it asks for, from a local Discover."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from c2s_assets.defs.automation import refresh as module
from c2s_assets.defs.automation.refresh import VERSION, WHY, refresh
from c2s_assets.defs.resources import Store
from c2s_assets.storage.layout import Layout
from c2s_assets.storage.listing import withdrawn_datasets
from c2s_assets.storage.raw import held_datasets
from c2s_assets_tests.defs.building import Workshop, open_workshop
from c2s_assets_tests.discover import LocalDiscover, serve_discover
from c2s_assets_tests.serving import record_waits
from c2s_assets_tests.toy import make_lake, write_toy_h5ad

PARTITIONS = "datasets"


@dataclass
class Day:
    """A Discover, a lake that follows it, and what the daemon keeps between ticks."""

    discover: LocalDiscover
    workshop: Workshop
    cursor: str | None = None

    @property
    def layout(self) -> Layout:
        return self.workshop.layout

    @property
    def instance(self) -> dg.DagsterInstance:
        return self.workshop.instance

    def look(self, **config: float) -> None:
        """List Discover, as the schedule does every day."""
        job = self.workshop.definitions.resolve_job_def("list_cellxgene")
        run_config = {"ops": {"cellxgene_listing": {"config": config}}}
        assert job.execute_in_process(instance=self.instance, run_config=run_config).success

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        """Tick and, as the daemon would, add the partitions, record the events and keep the cursor."""
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            resources={"store": Store(root=str(self.layout.root))},
        )
        result = refresh(context)
        assert isinstance(result, dg.SensorResult | dg.SkipReason)
        if isinstance(result, dg.SensorResult):
            for request in result.dynamic_partitions_requests or []:
                self.instance.add_dynamic_partitions(PARTITIONS, list(request.partition_keys))
            for event in result.asset_events:
                self.instance.report_runless_asset_event(event)
            self.cursor = result.cursor
        return result

    def asked(self) -> list[tuple[str | None, str]]:
        """Tick, and tell which datasets it asks for and why."""
        result = self.tick()
        requests = [] if isinstance(result, dg.SkipReason) else result.run_requests or []
        return [(request.partition_key, request.tags[WHY]) for request in requests]

    def run(self, result: dg.SensorResult | dg.SkipReason, *, succeeds: bool = True) -> None:
        """Do what a tick asked for."""
        assert isinstance(result, dg.SensorResult)
        job = self.workshop.definitions.resolve_job_def("build_dataset")
        for request in result.run_requests or []:
            done = job.execute_in_process(
                instance=self.instance,
                partition_key=request.partition_key,
                tags=dict(request.tags),
                raise_on_error=False,
            )
            assert done.success == succeeds

    def start(self, *requests: dg.RunRequest) -> list[dg.DagsterRun]:
        """Make the runs that were asked for; they do not run."""
        job = self.workshop.definitions.resolve_job_def("build_dataset")
        return [
            self.instance.create_run_for_job(
                job, tags={**request.tags, "dagster/partition": request.partition_key or ""}
            )
            for request in requests
        ]


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    """A Discover of three small datasets, all of them selected."""
    record_waits(monkeypatch)
    layout = make_lake(tmp_path)
    layout.settings.write_text("cellxgene: {min_cells: 0}")
    with serve_discover() as discover, open_workshop(layout, cellxgene_url=discover.url) as workshop:
        for seed, name in enumerate(("one", "three", "two")):
            discover.add(name, toy(tmp_path, seed))
        yield Day(discover, workshop)


def toy(folder: Path, seed: int) -> Path:
    return write_toy_h5ad(folder / f"{seed}.h5ad", n_obs=12, n_vars=8, seed=seed)


def versions(layout: Layout) -> dict[str, str | None]:
    return {name: held.dataset_version_id for name, held in held_datasets(layout).items() if held.is_built}


def marks(day: Day) -> list[str | None]:
    """Partitions of `raw_h5ad` that were marked as withdrawn, one for each time."""
    filters = dg.AssetRecordsFilter(asset_key=dg.AssetKey("raw_h5ad"))
    records = day.instance.fetch_observations(filters, limit=100).records
    return [record.partition_key for record in records]


@pytest.mark.slow
def test_a_day_of_discover(day: Day, tmp_path: Path) -> None:
    """Added, revised and withdrawn: each dataset is built once per version, and nothing is deleted."""
    assert isinstance(day.tick(), dg.SensorResult)  # asks for the first listing
    day.look()
    first = day.tick()
    day.run(first)
    assert sorted(day.instance.get_dynamic_partitions(PARTITIONS)) == ["one", "three", "two"]
    held = versions(day.layout)
    assert set(held) == {"one", "three", "two"}
    assert day.asked() == []
    assert isinstance(day.tick(), dg.SkipReason)

    revised = day.discover.revise("one", toy(tmp_path, 7))
    added = day.discover.add("four", toy(tmp_path, 8))
    day.discover.withdraw("two")
    assert isinstance(day.tick(), dg.SkipReason)  # nothing is known of it before the next listing
    day.look(largest_loss=0.5)  # one of three datasets is more than a tenth
    second = day.tick()
    assert isinstance(second, dg.SensorResult)
    assert [(one.partition_key, one.tags[WHY]) for one in second.run_requests or []] == [
        ("one", "revised"),
        ("four", "new"),
    ]
    assert day.asked() == [("one", "revised"), ("four", "new")]  # neither was started yet
    day.run(second)
    assert versions(day.layout) == held | {"one": revised, "four": added}

    assert marks(day) == ["two"]
    assert withdrawn_datasets(day.layout) == {"two"}
    assert day.layout.parts("train", "two").exists()

    assert day.asked() == []
    for cursor in (None, "", "lost"):
        day.cursor = cursor
        assert day.asked() == []
    assert marks(day) == ["two"]
    downloads = {path: n for path, n in day.discover.n_requests.items() if path.startswith("/h5ad/")}
    assert list(downloads.values()) == [1] * 5


def test_without_a_selection_nothing_is_done(day: Day) -> None:
    day.look()
    day.layout.settings.write_text("")
    result = day.tick()
    assert isinstance(result, dg.SkipReason)
    assert "selects nothing" in (result.skip_message or "")


def test_the_first_listing_is_asked_for_once_a_day(day: Day) -> None:
    results = [day.tick(), day.tick()]
    requests = [
        one for result in results if isinstance(result, dg.SensorResult) for one in result.run_requests or []
    ]
    assert [one.job_name for one in requests] == ["list_cellxgene"] * 2
    assert requests[0].run_key == requests[1].run_key


def test_what_is_under_way_is_not_asked_for_again_whoever_asked(day: Day) -> None:
    day.look()
    first = day.tick()
    assert isinstance(first, dg.SensorResult)
    runs = day.start(*first.run_requests or [])
    day.cursor = None
    assert day.asked() == []
    for run in runs:
        day.instance.delete_run(run.run_id)
    day.start(dg.RunRequest(partition_key="three"))
    assert day.asked() == [("one", "new"), ("two", "new")]


def test_a_failed_try_is_repeated_after_a_wait_under_another_key(
    day: Day, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.discover.withdraw("two")
    day.discover.withdraw("three")
    (tmp_path / "0.h5ad").write_bytes(b"<html>")
    day.discover.revise("one", tmp_path / "0.h5ad")
    day.look()
    keys = []
    now = module.time.time()
    for wait in (0, 1_000, 20_000):
        now += wait
        monkeypatch.setattr(module.time, "time", lambda now=now: now)
        result = day.tick()
        assert isinstance(result, dg.SensorResult)
        keys += [one.run_key for one in result.run_requests or []]
        day.run(result, succeeds=False)
        assert day.asked() == []
    monkeypatch.setattr(module.time, "time", lambda: now + 10**6)
    assert day.asked() == []  # given up

    assert len(keys) == len(set(keys)) == 3
    assert [key.rpartition(" ")[2] for key in keys if key] == ["1", "2", "3"]
    repaired = day.discover.revise("one", toy(tmp_path, 9))
    day.look()
    monkeypatch.undo()
    result = day.tick()
    day.run(result)
    assert versions(day.layout) == {"one": repaired}


def test_only_some_are_asked_for_at_once_and_the_rest_later(day: Day) -> None:
    day.discover.generate(50)
    day.look()
    asked = []
    for n_expected in (25, 25, 3, 0):
        result = day.tick()
        requests = (result.run_requests or []) if isinstance(result, dg.SensorResult) else []
        assert len(requests) == n_expected
        asked += [request.partition_key for request in requests]
        for run in day.start(*requests):
            day.instance.report_run_failed(run)
    assert len(set(asked)) == 53
    assert len(day.instance.get_dynamic_partitions(PARTITIONS)) == 53


def test_a_run_request_names_dataset_version_and_reason(day: Day) -> None:
    day.look()
    result = day.tick()
    assert isinstance(result, dg.SensorResult)
    request = (result.run_requests or [])[0]
    version = request.tags[VERSION]
    assert day.discover.h5ad_path("one") == f"/h5ad/{version}.h5ad"
    assert (request.run_key, request.partition_key, request.job_name) == (
        f"one {version} 1",
        "one",
        "build_dataset",
    )
