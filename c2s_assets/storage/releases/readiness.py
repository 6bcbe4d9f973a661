"""Whether a release can be staged now, known without staging it."""

from c2s_assets.core.errors import MissingInputError, UnknownNameError
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.schemas.registry import MANIFEST, PROFILE, SIDES_OF_DATASET
from c2s_assets.storage.choosing import present_tables
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.releases.atlas import tables_of_atlas
from c2s_assets.storage.releases.corpus import chosen_datasets
from c2s_assets.storage.releases.staged import release_entry


def find_lacking(layout: Layout, settings: DatasetsFile, name: str) -> str | None:
    """Say what a release waits for, such as a dataset that is being built anew; None if for nothing."""
    entry = release_entry(settings, name)
    try:
        if entry.kind == "atlas":
            tables_of_atlas(layout, settings, entry)
            return None
        for table in (SIDES_OF_DATASET, MANIFEST, PROFILE):
            present_tables(layout, settings, table, chosen_datasets(layout, entry))
    except (MissingInputError, UnknownNameError) as error:
        return str(error)
    return None
