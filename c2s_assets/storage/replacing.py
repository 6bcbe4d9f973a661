"""Folders outside the lake that appear whole or not at all."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from c2s_assets.core.errors import LakeError
from c2s_assets.storage.lake.staging import sync


@contextmanager
def taking_the_place_of(folder: Path) -> Iterator[Path]:
    """Make a folder beside another, to be filled, and put it in the place of that one."""
    written = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
    before = folder.with_name(f"{written.name}.old")
    try:
        written.mkdir()
        yield written
        for path in (*written.rglob("*"), written):
            sync(path)
        if folder.exists():
            folder.rename(before)
        written.rename(folder)
        sync(folder.parent)
    except OSError as error:
        raise LakeError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        for left in (written, before):
            shutil.rmtree(left, ignore_errors=True)


def refuse_taken(folder: Path) -> None:
    """Refuse a folder that cannot be made, or would lose what it holds.

    Raises
    ------
    LakeError
        If it is a file, holds something, or there is no folder to make it in.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LakeError(f"{folder} is a file or holds something. Name a folder that is new: --to DIR.")
    if not folder.parent.is_dir():
        raise LakeError(f"{folder} cannot be written: {folder.parent} is not a folder. Make it first.")
