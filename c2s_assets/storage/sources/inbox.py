"""Looking into the inbox."""

from pathlib import Path

from c2s_assets.core.errors import InvalidDatasetIdError
from c2s_assets.core.ids import dataset_id_of, propose_dataset_id
from c2s_assets.core.runs.arrivals import Arrival
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.formats.recognise import describe_dropped


def look_into_inbox(layout: Layout) -> tuple[dict[str, Arrival], list[str]]:
    """Return the files that wait by dataset id, and why others cannot become a dataset."""
    arrivals, problems = {}, []
    for path in layout.dropped():
        try:
            dataset_id = dataset_id_of(path.name)
            waiting = layout.inbox_h5ad(dataset_id)
            found = waiting.stat()
        except InvalidDatasetIdError as error:
            problems.append(f"inbox, {path.name!r}: {error}{_proposal(path)}")
        except FileNotFoundError:  # taken by a build since it was listed
            continue
        else:
            if waiting.is_file():
                arrivals[dataset_id] = Arrival(size_bytes=found.st_size, modified_ns=found.st_mtime_ns)
            else:
                problems.append(f"inbox, {path.name!r}: it is not a file. Remove it.")
    problems += [f"inbox, {path.name!r}: {said}" for path in layout.strangers() if (said := _say(path))]
    return arrivals, problems


def waiting_bytes(layout: Layout, dataset_id: str) -> int:
    """Return the size of the file that the next build reads: the one that waits, or the source; else 0."""
    places = (layout.inbox_h5ad(dataset_id), layout.raw_h5ad(dataset_id))
    return next((place.stat().st_size for place in places if place.is_file()), 0)


def taken_arrival(layout: Layout, dataset_id: str) -> Arrival | None:
    """Return the source file of a dataset, which keeps the size and time that it had in the inbox."""
    try:
        found = layout.raw_h5ad(dataset_id).stat()
    except (InvalidDatasetIdError, FileNotFoundError):
        return None
    return Arrival(size_bytes=found.st_size, modified_ns=found.st_mtime_ns)


def _proposal(path: Path) -> str:
    try:
        proposed = f"{propose_dataset_id(path.name)}{path.suffix}"
    except InvalidDatasetIdError:
        return ""
    return "" if proposed == path.name else f" Rename the file, for example to {proposed}"


def _say(path: Path) -> str | None:
    """Say what was dropped that is not named as an h5ad; None if it is gone."""
    try:
        return describe_dropped(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"it cannot be read: {error.strerror}. Remove it, or make it readable."
