"""The job that removes superseded runs, on a real instance."""

from pathlib import Path

import dagster as dg
import pytest

from c2s_assets.defs.automation import retention
from c2s_assets.defs.automation.retention import daily_pruning, prune_runs
from c2s_assets_tests.defs.building import Workshop
from c2s_assets_tests.toy import make_lake

_ASSET = dg.AssetKey("train_test")
_CHECK = dg.AssetCheckKey(_ASSET, "keeps_schema")


@pytest.mark.slow
def test_superseded_runs_go_and_what_the_last_success_recorded_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_KEEP_DAYS", -1)
    with dg.instance_for_test() as instance:
        workshop = Workshop(make_lake(tmp_path, "toy"), instance)
        for _ in range(2):
            assert workshop.build("toy", "train_test").succeeded
        newest = instance.get_run_records(limit=1)[0].dagster_run.run_id

        assert prune_runs.execute_in_process(instance=instance).success

        of_runs = {path.stem for path in Path(instance.root_directory).rglob("history/runs/*.db")}
        assert len(of_runs - {"index"}) == 2, "that of the newest build, and that of what removed the others"
        builds = instance.get_run_records(dg.RunsFilter(job_name="build_tables"))
        assert [record.dagster_run.run_id for record in builds] == [newest]
        assert instance.get_materialized_partitions(_ASSET) == {"toy"}
        event = instance.get_latest_materialization_event(_ASSET)
        assert event is not None
        assert event.run_id == newest
        of_check = instance.event_log_storage.get_asset_check_execution_history(_CHECK, limit=10)
        assert [execution.run_id for execution in of_check] == [newest]


def test_pruning_is_asked_for_once_a_day() -> None:
    assert daily_pruning.cron_schedule == "30 4 * * *"
    assert isinstance(daily_pruning(), dg.RunRequest)
