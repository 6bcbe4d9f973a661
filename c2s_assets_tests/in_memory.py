"""Dagster's storages in memory, over one connection each."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import RLock
from typing import Any

import pytest
import sqlalchemy as db
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
    monkeypatch.setattr(runs.InMemoryRunStorage, "connect", _connect)


def _engine(url: str, **_: Any) -> db.Engine:
    return db.create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})


@contextmanager
def _connect(storage: Any) -> Iterator[db.Connection]:
    connection = storage._held_conn
    with _LOCK, nullcontext() if connection.in_transaction() else connection.begin():
        yield connection
