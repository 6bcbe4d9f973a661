"""Room on the lake's disk: what a build will need, and what is there."""

import shutil
from collections.abc import Collection

from c2s_assets.core.errors import MachineError
from c2s_assets.schemas.registry import CELLS, RAW, TABLES
from c2s_assets.storage.lake.digest import files_of_tree
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.record import known_record

# All tables by default of ten files, five of them real, took 0.4 times the room of their source (dense,
# uncompressed) to 1.3 (400 cells x 60,000 genes), 2.0 (3T3 cells), 3.7 (12,000 cells x 800 genes) and 4.6
# times (10,000 cells x 1,000 genes, of which projections are 40 %). Built anew, up to 1.8 times stood
# beside them at the highest, and 2.9 times of a CSC file, whose rows are staged. Dagster keeps less than
# 2 MB of a run.
_TABLES_PER_SOURCE, _STAGED_PER_SOURCE, _BESIDE_BYTES = 5, 3, 4 * 2**20


NO_ROOM = (
    "Nothing was begun. Free some space, or take datasets out of the lake with c2s rm, then run it again."
)


def free_bytes(layout: Layout) -> int:
    """Return how much room the lake's disk has left, as far as the folder exists."""
    place = next(place for place in (layout.root, *layout.root.parents) if place.exists())
    return shutil.disk_usage(place).free


def needed_bytes(layout: Layout, dataset_id: str, *, source_bytes: int, is_to_come: bool = False) -> int:
    """Estimate what a build takes beside what it has: the source if it is to come, tables, staging.

    A table that a catalogue has a link to gives no room back when it is replaced, before that is renewed for
    the sixth time.
    """
    found = [file.stat() for file in files_of_tree(layout.dataset(dataset_id))]
    n_held = sum(file.st_size for file in found if file.st_nlink == 1)
    # Of what is built anew, the new version stands beside the old until it is whole.
    n_tables = max(_TABLES_PER_SOURCE * source_bytes - n_held, _STAGED_PER_SOURCE * source_bytes)
    return n_tables + _BESIDE_BYTES + (source_bytes if is_to_come else 0)


def rebuilding_bytes(layout: Layout, dataset_id: str, tables: Collection[str]) -> int:
    """Estimate what a build of some tables takes beside what is there, of a source that is there.

    Where all of them were built before, the new versions stand beside the old; rows of what reads the source
    cell by cell may be staged. Of what was never built no size is known: see `needed_bytes`.
    """
    path, built = layout.raw_h5ad(dataset_id), known_record(layout, dataset_id).built
    source_bytes = path.stat().st_size if path.exists() else 0
    if any(name not in built for name in tables):
        return needed_bytes(layout, dataset_id, source_bytes=source_bytes)
    is_staged = any({RAW, CELLS} <= {*TABLES[name].reads} for name in tables if TABLES[name].is_table)
    n_staged = _STAGED_PER_SOURCE * source_bytes if is_staged else 0
    return sum(built[name].size_bytes for name in tables) + n_staged + _BESIDE_BYTES


def require_room(layout: Layout, n_bytes: int, *, what: str) -> int:
    """Refuse to begin what will not fit on the lake's disk; return what is free there.

    Raises
    ------
    MachineError
        Saying what is needed, and what there is.
    """
    free = free_bytes(layout)
    if free < n_bytes:
        raise MachineError(
            f"{layout.root}: {what} needs about {_megabytes(n_bytes)}, and {_megabytes(free)} are free. "
            f"{NO_ROOM}"
        )
    return free


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:,.0f} MB"
