"""The refresh sensor, called as Dagster calls it, and the builds that it asks for, from a local Discover."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import JobFailureData, RunFailureReason

from c2s_assets.core.discover.refresh import Request
from c2s_assets.defs.automation import refresh as module
from c2s_assets.defs.automation.refresh import VERSION, WHY, daily_listing, refresh
from c2s_assets.defs.resources import Store
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.holdings import held_datasets
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.listing import withdrawn_datasets
from c2s_assets.storage.sources.raw import adopt_from_inbox
from c2s_assets_tests.defs.building import Workshop, build_only, open_workshop
from c2s_assets_tests.discover import LocalDiscover, serve_discover
from c2s_assets_tests.serving import record_waits
from c2s_assets_tests.storage.test_dataset import toy as toy_dataset
from c2s_assets_tests.storage.test_dataset import with_settings
from c2s_assets_tests.toy import EMBEDDINGS, make_lake, write_toy_h5ad

PARTITIONS = "datasets"


@dataclass(frozen=True)
class Tick:
    """What the daemon makes of a tick: runs, or what it says instead."""

    requests: list[dg.RunRequest]
    says: str


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

    def tick(self) -> Tick:
        """Tick and, as the daemon does, add the partitions, record the events and keep the cursor.

        `evaluate_tick` cannot see partitions that the same tick adds, so the sensor is called.
        """
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            resources={"store": Store(root=str(self.layout.root))},
        )
        result = refresh(context)
        assert isinstance(result, dg.SensorResult | dg.SkipReason)
        if isinstance(result, dg.SkipReason):
            return Tick([], result.skip_message or "")
        for request in result.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions(PARTITIONS, list(request.partition_keys))
        for event in result.asset_events:
            self.instance.report_runless_asset_event(event)
        self.cursor = result.cursor or self.cursor
        skip = result.skip_reason
        return Tick(list(result.run_requests or []), "" if skip is None else skip.skip_message or "")

    def asked(self) -> list[tuple[str | None, str]]:
        """Tick, and tell which datasets it asks for and why."""
        return [(request.partition_key, request.tags[WHY]) for request in self.tick().requests]

    def run(self, tick: Tick, *, succeeds: bool = True) -> None:
        """Do what a tick asked for."""
        for request in tick.requests:
            job = self.workshop.definitions.resolve_job_def(str(request.job_name))
            done = job.execute_in_process(
                asset_selection=request.asset_selection,
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


__all__ = ["toy_dataset"]

# What a run reports of itself; of one without it, its process was stopped.
STEP_FAILED = JobFailureData(error=None, failure_reason=RunFailureReason.STEP_FAILURE)


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
    return write_toy_h5ad(folder / f"{seed}.h5ad", n_obs=12, n_vars=8, n_axes=EMBEDDINGS, seed=seed)


def versions(layout: Layout) -> dict[str, str | None]:
    return {
        name: held.dataset_version_id
        for name, held in held_datasets(layout, read_settings(layout)).items()
        if held.is_built
    }


def marks(day: Day) -> list[str | None]:
    """Partitions of `raw_h5ad` that were marked as withdrawn, one for each time."""
    filters = dg.AssetRecordsFilter(asset_key=dg.AssetKey("raw_h5ad"))
    records = day.instance.fetch_observations(filters, limit=100).records
    return [record.partition_key for record in records]


@pytest.mark.slow
def test_a_table_that_was_asked_for_once_is_built_of_a_new_version_too(day: Day, tmp_path: Path) -> None:
    """Left as it was, it did not go with the others, and the build of every new version failed."""
    day.discover.withdraw("two")
    day.discover.withdraw("three")
    day.look()
    day.run(day.tick())
    assert build_only(day.workshop, "one", "expression_matrix").success
    revised = day.discover.revise("one", toy(tmp_path, 7))
    day.look()
    second = day.tick()
    day.run(second)
    assert versions(day.layout) == {"one": revised}
    assert day.asked() == []


@pytest.mark.slow
def test_a_day_of_discover(day: Day, tmp_path: Path) -> None:
    """Added, revised and withdrawn: each dataset is built once per version, and nothing is deleted."""
    assert [one.job_name for one in day.tick().requests] == ["list_cellxgene"]
    day.look()
    first = day.tick()
    day.run(first)
    assert sorted(day.instance.get_dynamic_partitions(PARTITIONS)) == ["one", "three", "two"]
    held = versions(day.layout)
    assert set(held) == {"one", "three", "two"}
    for _ in range(2):
        assert day.tick() == Tick([], "3 datasets are selected: 3 built.")

    revised = day.discover.revise("one", toy(tmp_path, 7))
    added = day.discover.add("four", toy(tmp_path, 8))
    day.discover.withdraw("two")
    assert day.asked() == []  # nothing is known of it before the next listing
    day.look(largest_loss=0.5)  # one of three datasets is more than a tenth
    second = day.tick()
    assert [(one.partition_key, one.tags[WHY]) for one in second.requests] == [
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
    tick = day.tick()
    assert not tick.requests
    assert "selects nothing" in tick.says


def test_a_mistake_in_the_settings_is_told_and_does_no_harm(day: Day) -> None:
    day.look()
    day.layout.settings.write_text("cellxgene: {min_cells: [0")
    tick = day.tick()
    assert not tick.requests
    assert "datasets.yaml" in tick.says
    schedule = dg.build_schedule_context(
        instance=day.instance, resources={"store": Store(root=str(day.layout.root))}
    )
    skipped = daily_listing(schedule)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == tick.says
    day.layout.settings.write_text("cellxgene: {min_cells: 0}")
    assert len(day.asked()) == 3


def test_a_first_listing_that_fails_is_tried_again_within_the_hour(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = day.workshop.definitions.resolve_job_def("list_cellxgene")
    assert [one.job_name for one in day.tick().requests] == ["list_cellxgene"]
    run = day.instance.create_run_for_job(job)
    assert "is being listed, in run" in day.tick().says
    day.instance.report_run_failed(run)
    tick = day.tick()
    assert not tick.requests
    assert f"run {run.run_id[:8]} failed, see why there. It is tried again at " in tick.says
    later = module.time.time() + 3700
    monkeypatch.setattr(module.time, "time", lambda: later)
    assert [one.job_name for one in day.tick().requests] == ["list_cellxgene"]


def test_what_is_under_way_is_not_asked_for_again_whoever_asked(day: Day) -> None:
    day.look()
    runs = day.start(*day.tick().requests)
    assert day.tick().says == "3 datasets are selected: 0 built, 3 under way."
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
        tick = day.tick()
        keys += [one.run_key for one in tick.requests]
        day.run(tick, succeeds=False)
        for _ in range(2):
            assert "1 to be tried again. See their last runs: one (try " in day.tick().says

    assert len(keys) == len(set(keys)) == 3
    assert [key.split(" ")[2] for key in keys if key] == ["1", "2", "3"]
    # Tries that were pruned are no longer counted, and the key is another one all the same.
    assert len({key.rpartition(" ")[2] for key in keys if key}) == 3
    repaired = day.discover.revise("one", toy(tmp_path, 9))
    day.look()
    monkeypatch.undo()
    day.run(day.tick())
    assert versions(day.layout) == {"one": repaired}


def test_a_version_that_comes_back_is_fetched_again(day: Day, tmp_path: Path) -> None:
    day.discover.withdraw("two")
    day.discover.withdraw("three")
    day.look()
    built, keys = [], []
    for _ in range(3):
        tick = day.tick()
        keys += [one.run_key for one in tick.requests]
        day.run(tick)
        built.append(versions(day.layout)["one"])
        if len(built) == 1:
            day.discover.revise("one", toy(tmp_path, 7))
        else:
            day.discover.bring_back("one", str(built[0]))
        day.look()
    assert built == [built[0], built[1], built[0]]
    assert built[0] != built[1]
    assert len(keys) == len(set(keys)) == 3
    assert day.tick().requests == []


def test_only_some_are_asked_for_at_once_and_the_rest_later(day: Day) -> None:
    day.discover.generate(50)
    day.look()
    asked = []
    for n_expected in (25, 25, 3, 0):
        requests = day.tick().requests
        assert len(requests) == n_expected
        asked += [request.partition_key for request in requests]
        for run in day.start(*requests):
            day.instance.report_run_failed(run, "its step failed", STEP_FAILED)
    assert len(set(asked)) == 53
    assert len(day.instance.get_dynamic_partitions(PARTITIONS)) == 53


def test_a_run_request_names_dataset_version_and_reason(day: Day) -> None:
    day.look()
    request = day.tick().requests[0]
    version = request.tags[VERSION]
    assert day.discover.h5ad_path("one") == f"/h5ad/{version}.h5ad"
    assert (request.run_key, request.partition_key, request.job_name) == (
        f"one {version} 1 0",
        "one",
        "build_dataset",
    )


@pytest.mark.slow
@pytest.mark.parametrize("loses", ["everything", "the source"])
def test_what_was_removed_from_the_lake_is_made_again(
    day: Day, monkeypatch: pytest.MonkeyPatch, loses: str
) -> None:
    day.discover.withdraw("two")
    day.discover.withdraw("three")
    day.look()
    day.run(day.tick())
    before = versions(day.layout)
    assert day.asked() == []
    layout = day.layout
    match loses:
        case "everything":
            shutil.rmtree(layout.dataset("one"))
        case "the source":
            layout.raw_h5ad("one").unlink()
    later = module.time.time() + 1_000
    monkeypatch.setattr(module.time, "time", lambda: later)
    tick = day.tick()
    assert [one.partition_key for one in tick.requests] == ["one"]
    day.run(tick)
    assert versions(layout) == before
    assert day.asked() == []


def test_a_file_that_a_user_gave_is_not_replaced(day: Day, tmp_path: Path) -> None:
    own = toy(tmp_path, 20).read_bytes()
    day.layout.inbox_h5ad("one").parent.mkdir(exist_ok=True)
    day.layout.inbox_h5ad("one").write_bytes(own)
    adopt_from_inbox(day.layout, dataset_id="one")
    day.look()
    tick = day.tick()
    assert [one.partition_key for one in tick.requests] == ["three", "two"]
    day.start(*tick.requests)
    assert "Left alone, because the lake holds a file that you gave: one." in day.tick().says
    assert day.workshop.build("one").succeeded
    assert day.layout.raw_h5ad("one").read_bytes() == own
    assert day.discover.n_requests[day.discover.h5ad_path("one")] == 0


def test_the_last_mark_of_a_dataset_that_is_listed_again_says_so(day: Day) -> None:
    day.discover.withdraw("three")
    day.look()
    day.run(day.tick())
    day.discover.withdraw("two")
    day.look(largest_loss=1)
    day.tick()
    day.discover.restore("two")
    day.look()
    for _ in range(2):
        assert day.asked() == []
        day.cursor = None
    filters = dg.AssetRecordsFilter(asset_key=dg.AssetKey("raw_h5ad"), asset_partitions=["two"])
    told = [record.asset_observation for record in day.instance.fetch_observations(filters, limit=9).records]
    assert [one.description for one in told if one is not None] == [
        "CELLxGENE Discover lists this dataset again.",
        "CELLxGENE Discover has withdrawn this dataset. What was built of it stays; catalogue and releases "
        "leave it out.",
    ]
    assert marks(day) == ["two", "two"]


@pytest.mark.parametrize(
    ("setting", "asked"),
    [
        (
            "sentences: {top_n: 1000}",
            ["cell_sentences", "train_test", "training_prompts", "dataset_card", "validation_report"],
        ),
        ("datasets: {toy: {licence: CC BY 4.0}}", ["dataset_card", "validation_report"]),
    ],
    ids=["the length of sentences", "a licence"],
)
def test_a_changed_setting_asks_for_what_depends_on_it_alone(
    toy_dataset: Dataset, setting: str, asked: list[str]
) -> None:
    changed = with_settings(toy_dataset, setting)
    held = held_datasets(changed.layout, changed.settings)["toy"]
    request = Request("toy", "v1", "outdated", 1)
    run = module._run_request(request, replace(held, dataset_version_id="v1"), changed)
    assert [key.to_user_string() for key in run.asset_selection or []] == asked
