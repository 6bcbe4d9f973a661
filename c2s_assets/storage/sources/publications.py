"""The publication of a dataset, as CELLxGENE Discover lists it."""

from collections.abc import Collection

import polars as pl

from c2s_assets.core.cells.provenance import Publication
from c2s_assets.core.columns import DATASET_ID
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.listing import read_collections, read_listing


def read_publication(layout: Layout, *, dataset_id: str) -> Publication | None:
    """Read what the dataset's collection says of it, or else the listing; None if that is not known."""
    return read_publications(layout, [dataset_id]).get(dataset_id)


def read_publications(layout: Layout, dataset_ids: Collection[str]) -> dict[str, Publication]:
    """Read the same for several datasets; those of which it is not known are left out."""
    listing, collections = read_listing(layout), read_collections(layout)
    if listing is None or collections is None:
        return {}
    listed = listing.filter(pl.col(DATASET_ID).is_in(dataset_ids)).rename({"title": "dataset_title"})
    found = listed.join(collections, on="collection_id", how="left", suffix="_of_collection").select(
        DATASET_ID,
        "collection_id",
        pl.coalesce("name", "collection_name", "dataset_title"),
        pl.coalesce("doi_of_collection", "doi"),
        "description",
    )
    return {dataset_id: Publication(*known) for dataset_id, *known in found.iter_rows()}
