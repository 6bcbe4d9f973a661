"""Where a user finds what is in a lake, also one in a bucket."""

from pathlib import Path

from c2s_assets.schemas.record import Built
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.units import unit_of_dataset
from c2s_assets.storage.lake.working_copy import working_copy_of


def shown_place(layout: Layout, path: Path) -> str:
    """Return a path of the lake, or of the lake itself, as a user knows it: in a bucket, as an address."""
    copy = working_copy_of(layout)
    if copy is None or not path.is_relative_to(layout.root):
        return str(path)
    return "/".join([str(copy.bucket.address), *path.relative_to(layout.root).parts])


def places_of_table(layout: Layout, dataset_id: str, built: Built) -> list[str]:
    """Return the files of a table, or the folders that hold nothing but its files, as paths or addresses."""
    copy = working_copy_of(layout)
    if copy is None:
        files = [str(layout.root / name) for name in built.files]
    else:
        held = copy.held(unit_of_dataset(dataset_id))
        published = {} if held is None else held.published.files
        files = [f"{copy.bucket.address}/{published[name].object}" for name in built.files]
    is_folder = all(name.count("/") > 2 for name in built.files)
    return sorted({file.rpartition("/")[0] for file in files} if is_folder else set(files))
