"""Removes a run with everything that Dagster keeps of it."""

from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

_BESIDE = ("", "-wal", "-shm")


def forget_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Remove a run, its events, what its steps printed, and the results of its checks.

    Dagster 1.13 empties the SQLite file of a run and leaves it there, with 1 MB of free pages, and never
    removes results of checks: 0.2 MB a build. Once `delete_run` does both, this is all of this function.
    """
    instance.delete_run(run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    events = instance.event_log_storage
    if isinstance(events, SqliteEventLogStorage):
        with events.index_connection() as connection:
            results = AssetCheckExecutionsTable
            connection.execute(results.delete().where(results.c.run_id == run_id))
        for suffix in _BESIDE:
            Path(f"{events.path_for_shard(run_id)}{suffix}").unlink(missing_ok=True)
