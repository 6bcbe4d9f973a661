"""Lets tests do here what is done in a process of its own: each such process takes a second or more."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from c2s_assets.storage.h5ad import survey
from c2s_assets.storage.sources.formats import convert


@pytest.fixture
def nothing_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Survey and convert in this process."""

    def ask_here(path: Path, module: str, *arguments: str, seconds: int) -> dict[str, Any]:  # noqa: ARG001
        told: dict[str, Any] = import_module(module).work(path, *arguments)
        return told

    for asking in (survey, convert):
        monkeypatch.setattr(asking, "ask_apart", ask_here)
