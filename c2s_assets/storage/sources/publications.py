"""The publication of a dataset, as CELLxGENE Discover lists it."""

import polars as pl

from c2s_assets.core.cells.provenance import Publication
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.listing import read_collections, read_listing


def read_publication(layout: Layout, *, dataset_id: str) -> Publication | None:
    """Read what the dataset's collection says of it, or else the listing; None if that is not known."""
    listing, collections = read_listing(layout), read_collections(layout)
    if listing is None or collections is None:
        return None
    listed = listing.filter(dataset_id=dataset_id).rename({"title": "dataset_title"})
    found = listed.join(collections, on="collection_id", how="left", suffix="_of_collection").select(
        "collection_id",
        pl.coalesce("name", "collection_name", "dataset_title"),
        pl.coalesce("doi_of_collection", "doi"),
        "description",
    )
    return None if found.is_empty() else Publication(*found.row(0))
