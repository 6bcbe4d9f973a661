"""Ids in commands and in `datasets.yaml` that no dataset has."""

from collections.abc import Mapping

from c2s_assets.core.discover.selection import offer_of
from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.ids import meant_by, nearest_id
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.storage.holdings import all_datasets
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place
from c2s_assets.storage.lake.settings_file import place_of_settings
from c2s_assets.storage.sources.inbox import look_into_inbox
from c2s_assets.storage.sources.listing import read_listing


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
    near = nearest_id(dataset_id, known_datasets(layout))
    raise MissingInputError(
        f"{shown_place(layout, layout.root)} has no file of {dataset_id!r}{meant_by(near)}. Add one with: "
        f"c2s add PATH_OR_URL --id {dataset_id}, or select it of CELLxGENE Discover in datasets.yaml. c2s ls "
        f"lists what there is."
    )


def unused_entries(layout: Layout, settings: DatasetsFile) -> dict[str, str | None]:
    """Find the entries of `datasets.yaml` that no dataset has, each with the id that may be meant.

    Datasets of CELLxGENE Discover that may be fetched some day count as datasets.
    """
    known = known_datasets(layout)
    listing = read_listing(layout)
    offered = set() if listing is None else {*listing["dataset_id"]}
    unused = sorted(settings.named - known - offered - {*settings.cellxgene.datasets})
    return {name: nearest_id(name, known - settings.named) for name in unused}


def describe_unused(layout: Layout, unused: Mapping[str, str | None]) -> list[str]:
    """Say of each entry that no dataset has what may be meant."""
    place = place_of_settings(layout)
    return [
        f"{place} has an entry for {name!r}, which has no effect: the lake has no such dataset"
        f"{meant_by(near)}. Correct the name, or add the file under it: c2s add PATH_OR_URL --id {name}"
        for name, near in unused.items()
    ]


def known_datasets(layout: Layout) -> set[str]:
    """Name the datasets that `all_datasets` does, and those of which a file waits in the inbox."""
    arrivals, _ = look_into_inbox(layout)
    return {*all_datasets(layout), *arrivals}
