"""A folder that cannot keep tables whole is not shared, and the message says what it cannot do."""

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from c2s_assets.core.errors import LakeError
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.probing import require_sharing


def _unsupported(*_: Any) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


def test_a_folder_of_this_machine_can_be_shared(tmp_path: Path) -> None:
    require_sharing(Layout(tmp_path))
    assert list(Layout(tmp_path).staging.iterdir()) == []


@pytest.mark.parametrize("how", ["flock", "lockf"])
def test_locks_that_another_process_does_not_see_are_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(fcntl, how, lambda *_: None)
    with pytest.raises(
        LakeError, match=rf"this folder cannot .*\(({'flock' if how == 'flock' else 'fcntl'})\)"
    ):
        require_sharing(Layout(tmp_path))


def test_all_that_a_folder_cannot_do_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", _unsupported)
    monkeypatch.setattr(os, "fsync", _unsupported)
    with pytest.raises(LakeError, match=r"\(flock\); nor say when a file is safe on its disk"):
        require_sharing(Layout(tmp_path))
