"""Dagster's storages in memory, over one connection each, and what it reads anew for each of its files."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from threading import RLock
from typing import Any

import pytest
import sqlalchemy as db
from alembic.script import ScriptDirectory
from dagster._core.storage.defs_state.base import DefsStateStorage
from dagster._core.storage.event_log import in_memory as events
from dagster._core.storage.runs import in_memory as runs
from sqlalchemy.pool import StaticPool

_LOCK = RLock()


def keep_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have them use the connection that they hold anyway.

    Dagster 1.13 makes another one for each statement, 2,500 for a small build, as its SQLite files did before
    `run_log`.
    """
    monkeypatch.setattr(events, "create_engine", _engine)
    monkeypatch.setattr(runs, "create_engine", _engine)
    monkeypatch.setattr(events.InMemoryEventLogStorage, "_connect", _connect)
    monkeypatch.setattr(events.InMemoryEventLogStorage, "has_table", _has_table)
    monkeypatch.setattr(runs.InMemoryRunStorage, "connect", _connect)


def keep_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the 90 scripts that say how its databases came to be once: half of what a new instance takes."""
    # Dagster keeps the configurations, by which they are told apart.
    monkeypatch.setattr(ScriptDirectory, "from_config", cache(ScriptDirectory.from_config))


def ask_no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load definitions without a look at the state of components, of which ours have none.

    Dagster asks for it the instance that was entered last, and takes one for that which is gone by now if
    a generator that held another is thrown away late.
    """
    monkeypatch.setattr(DefsStateStorage, "get", lambda: None)


def _engine(url: str, **_: Any) -> db.Engine:
    return db.create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})


@contextmanager
def _connect(storage: Any) -> Iterator[db.Connection]:
    connection = storage._held_conn
    with _LOCK, nullcontext() if connection.in_transaction() else connection.begin():
        yield connection


def _has_table(storage: Any, name: str) -> bool:
    """Look as `_connect` does: what Dagster does would roll back what another thread is about to write."""
    with _connect(storage) as connection:
        return connection.dialect.has_table(connection, name)
