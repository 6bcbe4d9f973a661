from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef

from c2s_assets.defs.run_log import KeptEvents, keep_connections


@dg.asset
def one() -> None:
    """Nothing."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return tmp_path


def test_runs_over_kept_connections_are_read_by_dagsters_own(home: Path) -> None:
    ref = InstanceRef.from_dir(str(home))
    with dg.DagsterInstance.from_ref(keep_connections(ref)) as kept:
        assert isinstance(kept.event_log_storage, KeptEvents)
        runs = [dg.materialize([one], instance=kept).run_id for _ in range(2)]
        n_events = [len(kept.all_logs(run_id)) for run_id in runs]
    with dg.DagsterInstance.from_ref(ref) as own:
        assert {run.run_id for run in own.get_runs()} == set(runs)
        assert [len(own.all_logs(run_id)) for run_id in runs] == n_events
        assert own.get_latest_materialization_event(one.key) is not None


def test_a_table_that_is_missing_is_found_once_it_is_there(home: Path) -> None:
    ref = keep_connections(InstanceRef.from_dir(str(home)))
    with dg.DagsterInstance.from_ref(ref) as instance:
        events = instance.event_log_storage
        assert isinstance(events, KeptEvents)
        assert not events.has_table("later")
        with events.index_connection() as connection:
            connection.exec_driver_sql("create table later (number integer)")
        assert events.has_table("later")


def test_another_storage_is_left_as_it_is(home: Path) -> None:
    ref = InstanceRef.from_dir(str(home))
    elsewhere = ref._replace(storage_data=ref.storage_data._replace(class_name="DagsterPostgresStorage"))
    assert keep_connections(elsewhere) is elsewhere
    assert keep_connections(ref) is not ref
