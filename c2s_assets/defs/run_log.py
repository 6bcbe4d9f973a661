"""Dagster's SQLite files over connections that stay open while a command runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as db
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData


def keep_connections(ref: InstanceRef) -> InstanceRef:
    """Have an instance that keeps its runs in SQLite use `KeptSqlite`; any other stays as it is.

    Dagster 1.13 makes an engine and a connection for every statement: some 1,100 for a small build, each of
    which compiles its SQL anew, and folds the write-ahead log into the file when it closes. That was 2.0 of
    10.5 s of processor time of a build of 2,500 cells. Once Dagster keeps its connections, this file can go.
    """
    kept = ref.storage_data
    if kept is None or kept.class_name != DagsterSqliteStorage.__name__:
        return ref
    return ref._replace(storage_data=ConfigurableClassData(__name__, KeptSqlite.__name__, kept.config_yaml))


class KeptSqlite(DagsterSqliteStorage):
    """The same files as Dagster's own storage."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._run_storage = KeptRuns(self._run_storage._conn_string)
        self._event_log_storage = KeptEvents(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "KeptSqlite":
        """Make one of what the instance's settings say."""
        return cls.from_local(inst_data=inst_data, **config_value)


class KeptRuns(SqliteRunStorage):
    """Keeps the file that lists the runs."""

    def __init__(self, conn_string: str) -> None:
        super().__init__(conn_string)
        self._engine = _engine(conn_string)

    @contextmanager
    def connect(self) -> Iterator[db.Connection]:
        """Begin a transaction."""
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close what is kept."""
        self._engine.dispose()
        super().dispose()


class KeptEvents(SqliteEventLogStorage):
    """Keeps the file that all runs share, and that of the latest run."""

    def __init__(self, base_dir: str) -> None:
        self._kept: dict[str, db.Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._db_lock:
            engine = self._keep(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def has_table(self, table_name: str) -> bool:
        """Look whether there is a table, until there is: none goes.

        Dagster makes an engine for each look, of which a small build has two hundred: a twentieth of it.
        """
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close what is kept."""
        self._close(set(self._kept))
        super().dispose()

    def _keep(self, shard: str) -> db.Engine:
        if shard not in self._kept:
            self._close(set(self._kept) - {INDEX_SHARD_NAME})
            self._kept[shard] = _engine(self.conn_string_for_shard(shard))
        return self._kept[shard]

    def _close(self, shards: set[str]) -> None:
        for shard in shards:
            self._kept.pop(shard).dispose()


def _engine(url: str) -> db.Engine:
    engine = db.create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
    db.event.listen(engine, "connect", _sync_at_checkpoints)
    return engine


def _sync_at_checkpoints(connection: Any, _: Any) -> None:
    # With a write-ahead log the file is whole after a power cut; the last events before it may be missing.
    connection.execute("pragma synchronous = normal")
