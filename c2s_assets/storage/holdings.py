"""What the lake holds of every dataset."""

from collections.abc import Iterator, Mapping

from c2s_assets.core.discover.refresh import Held
from c2s_assets.core.discover.selection import offer_of
from c2s_assets.core.errors import C2SError, InvalidDatasetIdError, LakeError, MissingInputError
from c2s_assets.core.ids import check_dataset_id, nearest_id
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.schemas.registry import wanted_tables
from c2s_assets.storage.catalogue.snapshot import dataset_ids
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.inbox import look_into_inbox
from c2s_assets.storage.sources.listing import read_listing
from c2s_assets.storage.sources.raw import holds_own_file, read_provenance


def all_datasets(layout: Layout) -> list[str]:
    """Name the datasets that have a source file, or of which something was built, in order."""
    return sorted({*_with_source(layout), *dataset_ids(layout)})


def held_datasets(layout: Layout, settings: DatasetsFile) -> dict[str, Held]:
    """Tell what the lake holds of each dataset that has a source file, whatever state that is in."""
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


def stale_tables(dataset: Dataset) -> list[str]:
    """Name the tables that a build would change, missing or outdated ones; all, if that is not known.

    A table that has to be asked for counts if `datasets.yaml` does, or if it was built before.
    """
    try:
        states = dataset.state()
    except C2SError:
        return wanted_tables(dataset.settings.build)
    there = [asset for asset, state in states.items() if state.built is not None]
    wanted = wanted_tables([*dataset.settings.build, *there])
    return [asset for asset in wanted if states[asset].standing != "built"]


def require_source(layout: Layout, settings: DatasetsFile, dataset_id: str) -> None:
    """Refuse a dataset id that has no file and that CELLxGENE Discover, as selected, does not offer.

    Raises
    ------
    MissingInputError
        Naming the id that may be meant.
    """
    places = (layout.inbox_h5ad(dataset_id), layout.raw_h5ad(dataset_id), layout.raw_provenance(dataset_id))
    if any(place.exists() for place in places):
        return
    listing = read_listing(layout)
    if listing is not None and offer_of(listing, settings.cellxgene, dataset_id=dataset_id) is not None:
        return
    near = nearest_id(dataset_id, _known_ids(layout))
    raise MissingInputError(
        f"{layout.root} has no file of {dataset_id!r}{_meant(near)}. Add one with: c2s add PATH_OR_URL --id "
        f"{dataset_id}, or select it of CELLxGENE Discover in datasets.yaml. c2s ls lists what there is."
    )


def unused_entries(layout: Layout, settings: DatasetsFile) -> dict[str, str | None]:
    """Find the entries of `datasets.yaml` that no dataset has, each with the id that may be meant.

    Datasets of CELLxGENE Discover that may be fetched some day count as datasets.
    """
    known = _known_ids(layout)
    listing = read_listing(layout)
    offered = set() if listing is None else {*listing["dataset_id"]}
    unused = sorted(settings.named - known - offered - {*settings.cellxgene.datasets})
    return {name: nearest_id(name, known - settings.named) for name in unused}


def describe_unused(layout: Layout, unused: Mapping[str, str | None]) -> list[str]:
    """Say of each entry that no dataset has what may be meant."""
    return [
        f"{layout.settings} has an entry for {name!r}, which has no effect: the lake has no such dataset"
        f"{_meant(near)}. Correct the name, or add the file under it: c2s add PATH_OR_URL --id {name}"
        for name, near in unused.items()
    ]


def _meant(near: str | None) -> str:
    return "" if near is None else f" (is {near!r} meant?)"


def _known_ids(layout: Layout) -> set[str]:
    arrivals, _ = look_into_inbox(layout)
    return {*all_datasets(layout), *arrivals}


def _with_source(layout: Layout) -> Iterator[str]:
    for path in layout.sources():
        try:
            yield check_dataset_id(path.stem)
        except InvalidDatasetIdError:
            continue
