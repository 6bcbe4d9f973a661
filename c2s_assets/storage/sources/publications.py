"""The publication of a dataset, as CELLxGENE Discover lists it."""

import duckdb

from c2s_assets.core.cells.provenance import Publication
from c2s_assets.core.errors import LakeError
from c2s_assets.storage.catalogue.statements import statement
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.listing import read_collections, read_listing


def read_publication(layout: Layout, *, dataset_id: str) -> Publication | None:
    """Join the listing with its collections; None if there is no listing, or it does not know the dataset.

    Raises
    ------
    LakeError
        If the listing is not what we write.
    """
    listing, collections = read_listing(layout), read_collections(layout)
    if listing is None or collections is None:
        return None
    with duckdb.connect() as connection:
        connection.register("listed", listing.to_arrow())
        connection.register("known_collections", collections.to_arrow())
        try:
            row = connection.execute(statement("publication"), {"dataset_id": dataset_id}).fetchone()
        except duckdb.Error as error:
            raise LakeError(
                f"{layout.listing} cannot be joined with {layout.collections.name}: {error}. Materialize "
                f"cellxgene_listing again."
            ) from error
    return None if row is None else Publication(*row)
