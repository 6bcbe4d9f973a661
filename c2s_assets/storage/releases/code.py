"""By which code a release was staged: another one may say something else of the same tables."""

from functools import cache
from pathlib import Path

import c2s_assets
from c2s_assets.core.hashes import short_id
from c2s_assets.schemas.releases import ReleaseDocument
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import Stage
from c2s_assets.storage.releases.staged import is_whole, read_release

# Of the package, what decides what is written and what is looked for in it.
_LAYERS = ("core", "schemas", "storage")


@cache
def this_code() -> str:
    """Identify the code of this process by its files."""
    root = Path(c2s_assets.__file__).parent
    files = sorted(path for layer in _LAYERS for path in (root / layer).rglob("*.py"))
    return short_id({path.relative_to(root).as_posix(): file_digest(path) for path in files})


def note_code(staged: Stage, layout: Layout, name: str) -> None:
    """Stage the note that says by which code a release is staged; the release itself does not hold it."""
    staged.path(layout.release_code(name)).write_text(this_code(), encoding="utf-8")


def release_of_this_code(layout: Layout, name: str) -> ReleaseDocument | None:
    """Return the document of the last staging; None if it was by other code."""
    note = layout.release_code(name)
    if not note.exists() or note.read_text(encoding="utf-8") != this_code():
        return None
    return read_release(layout, name)


def release_as_it_was(layout: Layout, name: str, *, inputs: str) -> ReleaseDocument | None:
    """Return the document of the last staging if another one would come to the same files; else None.

    That is so if all that it was made from, and the code, are as they were, and all of its files are there.
    """
    last = release_of_this_code(layout, name)
    if last is not None and last.inputs == inputs and is_whole(layout.release(name), last):
        return last
    return None
