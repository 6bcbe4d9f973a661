"""Looking into the inbox."""

from c2s_assets.core.arrivals import Arrival
from c2s_assets.core.errors import InvalidDatasetIdError
from c2s_assets.core.ids import dataset_id_of
from c2s_assets.storage.layout import Layout


def look_into_inbox(layout: Layout) -> tuple[dict[str, Arrival], list[str]]:
    """Return the files that wait by dataset id, and why others cannot become a dataset."""
    arrivals, problems = {}, []
    for path in layout.dropped():
        try:
            dataset_id = dataset_id_of(path.name)
            found = layout.inbox_h5ad(dataset_id).stat()
        except InvalidDatasetIdError as error:
            problems.append(f"inbox: {error} Rename the file.")
        except FileNotFoundError:  # taken by a build since it was listed
            continue
        else:
            arrivals[dataset_id] = Arrival(size_bytes=found.st_size, modified_ns=found.st_mtime_ns)
    return arrivals, problems
