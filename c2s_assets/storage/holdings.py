"""What the lake holds of every dataset."""

from collections.abc import Collection, Iterator, Mapping

from c2s_assets.core.discover.refresh import Held
from c2s_assets.core.errors import (
    C2SError,
    InvalidDatasetIdError,
    LakeError,
    MissingInputError,
    NewerLakeError,
)
from c2s_assets.core.ids import check_dataset_id
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.schemas.registry import TABLES, wanted_tables
from c2s_assets.storage.catalogue.snapshot import dataset_ids
from c2s_assets.storage.dataset import Dataset, Standing
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.provenance import holds_own_file, read_provenance


def all_datasets(layout: Layout) -> list[str]:
    """Name the datasets that have a source file, or of which something was built, in order."""
    return sorted({*_with_source(layout), *dataset_ids(layout)})


def held_datasets(layout: Layout, settings: DatasetsFile) -> dict[str, Held]:
    """Tell what the lake holds of each dataset that has a source file, whatever state that is in.

    Raises
    ------
    NewerLakeError
        If a later version has built some of it, see `stale_tables`.
    """
    held = {}
    changed = layout.settings.stat().st_mtime if layout.settings.exists() else 0.0
    for dataset_id in _with_source(layout):
        try:
            since = max(layout.raw_provenance(dataset_id).stat().st_mtime, changed)
            provenance = read_provenance(layout, dataset_id=dataset_id)
        except (InvalidDatasetIdError, FileNotFoundError):  # not ours, or replaced at this moment
            continue
        except (MissingInputError, LakeError):
            is_own = holds_own_file(layout, dataset_id=dataset_id)
            held[dataset_id] = Held(None, since, is_built=False, is_own=is_own)
        else:
            version = provenance.dataset_version_id
            stale = stale_tables(Dataset(layout, dataset_id, settings))
            held[dataset_id] = Held(
                version, since, is_built=not stale, is_own=version is None, stale=tuple(stale)
            )
    return held


def datasets_where(
    layout: Layout, settings: DatasetsFile, standings: Mapping[str, Standing]
) -> list[Dataset]:
    """Return the datasets of which each of these assets stands like this, in order."""
    found = [Dataset(layout, dataset_id, settings) for dataset_id in dataset_ids(layout)]
    return [dataset for dataset in found if _stands(dataset, standings)]


def due_tables(dataset: Dataset) -> list[str]:
    """Name the tables that a dataset is to have.

    One that has to be asked for counts if `datasets.yaml` does, as `spatial` in the dataset's entry does for
    what only cells in a tissue have; or if it was built before: beside tables of
    another source file it would be out of place.
    """
    try:
        there = list(dataset.record().built)
    except C2SError:
        there = []
    asked = [
        name
        for name, declared in TABLES.items()
        if declared.asked_by and dataset.settings.states(declared.asked_by, dataset_id=dataset.dataset_id)
    ]
    return wanted_tables([*dataset.settings.build, *asked, *there])


def not_asked_for(dataset: Dataset, tables: Collection[str]) -> dict[str, str]:
    """Tell of these tables which a dataset is not to have unless it asks for them, and how it would."""
    asked_for = [name for name in tables if TABLES[name].asked_by]
    due = due_tables(dataset) if asked_for else []
    return {
        name: f"{dataset.dataset_id} does not ask for {name}. State {TABLES[name].asked_by} in its entry of "
        f"datasets.yaml if its cells have places in a tissue."
        for name in asked_for
        if name not in due
    }


def stale_tables(dataset: Dataset) -> list[str]:
    """Name the tables that a build would change, missing or outdated ones; all, if that is not known.

    Raises
    ------
    NewerLakeError
        If a later version has built it: of that no build here changes anything.
    """
    due = due_tables(dataset)
    try:
        states = dataset.state()
    except NewerLakeError:
        raise
    except C2SError:
        return due
    return [asset for asset in due if states[asset].standing != "built"]


def is_unfinished(dataset: Dataset) -> bool:
    """Whether something is to be built of a dataset, and nothing was refused: another build may bring it."""
    try:
        is_refused = bool(dataset.record().refused)
    except NewerLakeError:
        return False
    except C2SError:
        return True
    return not is_refused and bool(stale_tables(dataset))


def _stands(dataset: Dataset, standings: Mapping[str, Standing]) -> bool:
    try:
        states = dataset.state()
    except C2SError:
        return False
    return all(states[asset].standing == standing for asset, standing in standings.items())


def _with_source(layout: Layout) -> Iterator[str]:
    for path in layout.sources():
        try:
            yield check_dataset_id(path.stem)
        except InvalidDatasetIdError:
            continue
