"""What Discover lists may be odd or hostile: each dataset is right or named, and none stops the others."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from c2s_assets.core.reports.text import one_line
from c2s_assets.defs.automation.refresh import refresh
from c2s_assets.defs.resources import Store
from c2s_assets.storage.holdings import held_datasets
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.listing import withdrawn_datasets
from c2s_assets.storage.tables.parquet import read_table
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import Workshop, open_workshop
from c2s_assets_tests.discover import DATASETS, LocalDiscover, serve_discover
from c2s_assets_tests.serving import record_waits
from c2s_assets_tests.toy import make_lake, write_toy_h5ad

TITLE = "c2s: all is well\n# Title <script>alert(1)</script> [a](http://evil.test) ![b](x.png) \x1b[31mred"
_PARTITIONS = "datasets"


@dataclass
class Follower:
    """A lake that follows a Discover, with a sensor that is ticked by hand."""

    discover: LocalDiscover
    workshop: Workshop
    cursor: str | None = None
    failed: dict[str, str] = field(default_factory=dict)

    def look(self) -> dg.ExecuteInProcessResult:
        """List Discover, as the daily schedule does; of few datasets one is more than may be lost."""
        job = self.workshop.definitions.resolve_job_def("list_cellxgene")
        config = {"ops": {"cellxgene_listing": {"config": {"largest_loss": 0.9}}}}
        return job.execute_in_process(
            instance=self.workshop.instance, run_config=config, raise_on_error=False
        )

    def follow(self) -> None:
        """Tick the sensor and do what it asks for."""
        context = dg.build_sensor_context(
            instance=self.workshop.instance,
            cursor=self.cursor,
            resources={"store": Store(root=str(self.workshop.layout.root))},
        )
        result = refresh(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor or self.cursor
        for request in result.dynamic_partitions_requests or []:
            self.workshop.instance.add_dynamic_partitions(_PARTITIONS, list(request.partition_keys))
        for request in result.run_requests or []:
            self._run(request)

    def built(self) -> dict[str, str | None]:
        """Dataset id to version, of what is built."""
        layout = self.workshop.layout
        held = held_datasets(layout, read_settings(layout))
        return {name: one.dataset_version_id for name, one in held.items() if one.is_built}

    def _run(self, request: dg.RunRequest) -> None:
        job = self.workshop.definitions.resolve_job_def(str(request.job_name))
        done = job.execute_in_process(
            instance=self.workshop.instance,
            asset_selection=request.asset_selection,
            partition_key=request.partition_key,
            tags=dict(request.tags),
            raise_on_error=False,
        )
        if not done.success:
            failure = next(event.step_failure_data for event in done.all_events if event.is_step_failure)
            said = failure.user_failure_data
            self.failed[str(request.partition_key)] = "" if said is None else str(said.description)


@pytest.fixture
def follower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Follower]:
    record_waits(monkeypatch)
    layout = make_lake(tmp_path)
    layout.settings.write_text("cellxgene: {min_cells: 0}")
    with (
        serve_discover(seconds=600) as discover,
        open_workshop(layout, cellxgene_url=discover.url) as workshop,
    ):
        yield Follower(discover, workshop)


def _toy(folder: Path, seed: int) -> Path:
    """A file that names no collection, so that the listing does."""
    return write_toy_h5ad(
        folder / f"{seed}.h5ad", n_obs=36, n_vars=8, n_donors=12, uns={"citation": None}, seed=seed
    )


def _sides(layout: Layout, collection_id: str) -> dict[str, tuple[str, int]]:
    """Side and fold of each donor of the dataset that moves, whose ids are of a collection now."""
    rows = read_table(layout.table("split_manifest", "good"))
    assert set(rows["donor_uid"]) == {f"{collection_id}/{donor}" for donor in rows["donor_id"]}
    return {donor: (side, fold) for donor, side, fold in rows.select("donor_id", "split", "fold").iter_rows()}


@pytest.mark.slow
def test_each_is_right_or_named_and_none_stops_the_others(follower: Follower, tmp_path: Path) -> None:
    first = follower.discover.add("good", _toy(tmp_path, 1), title=TITLE)
    follower.discover.add("nothing", b"")
    assert follower.look().success
    follower.follow()

    assert follower.built() == {"good": first}
    assert follower.failed["nothing"].startswith("dataset nothing: nothing.h5ad (0 bytes) ")
    layout = follower.workshop.layout
    shown = c2s("select", lake=layout.root).out.splitlines()
    assert [line for line in shown if "all is well" in line] == [
        line for line in shown if line.startswith(f"    {one_line(TITLE)}   (")
    ]
    page = layout.dataset_page("good").read_text()
    assert "<script>alert(1)" not in page

    listed = dict(pl.read_parquet(layout.listing).select("dataset_id", "collection_id").iter_rows())
    sides = _sides(layout, listed["good"])

    second = follower.discover.revise("good", _toy(tmp_path, 2), collection_id="moved-to-another")
    assert follower.look().success
    follower.follow()
    assert follower.built() == {"good": second}
    collections = dict(pl.read_parquet(layout.listing).select("dataset_id", "collection_id").iter_rows())
    assert collections["good"] == "moved-to-another"
    assert _sides(layout, "moved-to-another") == sides

    # It moves once more, in the same version: what names donors by the collection is outdated, and built.
    follower.discover.move("good", "moved-again")
    assert follower.look().success
    assert follower.built() == {}
    assert "its collection is moved-again now, was moved-to-another" in c2s("ls", lake=layout.root).out
    assert follower.workshop.build("good", "train_test").succeeded
    assert _sides(layout, "moved-again") == sides

    follower.discover.withdraw("good")
    assert follower.look().success
    follower.follow()
    assert withdrawn_datasets(layout) == {"good"}
    follower.discover.restore("good")
    assert follower.look().success
    follower.follow()
    assert withdrawn_datasets(layout) == set()
    assert follower.workshop.build("good").succeeded
    assert follower.built() == {"good": second}


def test_five_thousand_datasets_are_listed_and_asked_for_a_few_at_a_time(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    layout.settings.write_text("cellxgene: {min_cells: 0}")
    with serve_discover() as discover, open_workshop(layout, cellxgene_url=discover.url) as workshop:
        follower = Follower(discover, workshop)
        ids = discover.generate(5_000)
        assert follower.look().success
        listed = pl.read_parquet(layout.listing)
        context = dg.build_sensor_context(
            instance=workshop.instance, resources={"store": Store(root=str(layout.root))}
        )
        result = refresh(context)
    assert set(listed["dataset_id"]) == set(ids)
    assert isinstance(result, dg.SensorResult)
    assert len(result.run_requests or []) == 25
    assert DATASETS in discover.n_requests
