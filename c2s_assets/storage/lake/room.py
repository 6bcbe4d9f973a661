"""Room on the lake's disk: what a build will need, and what is there."""

import shutil

from c2s_assets.core.errors import MachineError
from c2s_assets.storage.lake.digest import files_of_tree
from c2s_assets.storage.lake.layout import Layout

# Tables of 10,000 cells x 1,000 genes took 2.5 times the room of their source, those of 300 cells 1.6 times;
# the largest of them is staged beside the others. What Dagster keeps of a run is 1.2 MB.
_TABLES_PER_SOURCE, _BESIDE_BYTES = 4, 4 * 2**20


NO_ROOM = (
    "Nothing was begun. Free some space, or take datasets out of the lake with c2s rm, then run it again."
)


def free_bytes(layout: Layout) -> int:
    """Return how much room the lake's disk has left, as far as the folder exists."""
    place = next(place for place in (layout.root, *layout.root.parents) if place.exists())
    return shutil.disk_usage(place).free


def needed_bytes(layout: Layout, dataset_id: str, *, source_bytes: int, is_to_come: bool) -> int:
    """Estimate what a build takes beside what it has: the source if it is to come, tables, staging."""
    n_held = sum(file.stat().st_size for file in files_of_tree(layout.dataset(dataset_id)))
    # Of what is built anew, the new version stands beside the old until it is whole.
    n_tables = max(_TABLES_PER_SOURCE * source_bytes - n_held, source_bytes)
    return n_tables + _BESIDE_BYTES + (source_bytes if is_to_come else 0)


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
