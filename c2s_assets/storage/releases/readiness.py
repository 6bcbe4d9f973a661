"""Whether a release can be staged now, known without staging it."""

from c2s_assets.core.errors import MissingInputError, UnknownNameError
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.releases.atlas import tables_of_atlas
from c2s_assets.storage.releases.parts import find_parts
from c2s_assets.storage.releases.staged import release_entry


def find_lacking(layout: Layout, settings: DatasetsFile, name: str) -> str | None:
    """Say what a release waits for, such as a dataset that is being built anew; None if for nothing."""
    entry = release_entry(settings, name)
    try:
        if entry.kind == "atlas":
            tables_of_atlas(layout, settings, entry)
            return None
        find_parts(layout, settings, entry)
    except (MissingInputError, UnknownNameError) as error:
        return str(error)
    return None
