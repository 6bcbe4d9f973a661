"""Looking into the inbox."""

from c2s_assets.core.errors import InvalidDatasetIdError
from c2s_assets.core.ids import dataset_id_of
from c2s_assets.core.runs.arrivals import Arrival
from c2s_assets.storage.lake.layout import Layout


def look_into_inbox(layout: Layout) -> tuple[dict[str, Arrival], list[str]]:
    """Return the files that wait by dataset id, and why others cannot become a dataset."""
    arrivals, problems = {}, []
    for path in layout.dropped():
        try:
            dataset_id = dataset_id_of(path.name)
            waiting = layout.inbox_h5ad(dataset_id)
            found = waiting.stat()
        except InvalidDatasetIdError as error:
            problems.append(f"inbox, {path.name!r}: {error}")
        except FileNotFoundError:  # taken by a build since it was listed
            continue
        else:
            if waiting.is_file():
                arrivals[dataset_id] = Arrival(size_bytes=found.st_size, modified_ns=found.st_mtime_ns)
            else:
                problems.append(f"inbox, {path.name!r}: it is not a file. Remove it.")
    return arrivals, problems
