"""Reads what the card of a staged atlas tells, from nothing but its files."""

from pathlib import Path

import pyarrow.parquet as pq

from c2s_assets.core.releases.atlas import LICENCE, STRUCTURE
from c2s_assets.core.releases.atlas_card import AtlasFigures, AtlasFile
from c2s_assets.core.releases.card import CARD
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.schemas.releases import RELEASE_DOCUMENT
from c2s_assets.storage.lake.digest import files_of_tree
from c2s_assets.storage.lake.documents import read_document

# Are written when the others are there.
_TEXTS = {CARD, LICENCE, RELEASE_DOCUMENT}


def read_figures(folder: Path, entry: ReleaseEntry) -> AtlasFigures:
    """Read rows and columns of every table, and where the dataset is from by the profile beside them."""
    profile = read_document(folder / STRUCTURE, DatasetProfile)
    origin = profile.origin
    paths = {path.relative_to(folder).as_posix(): path for path in files_of_tree(folder)}
    return AtlasFigures(
        dataset_id=profile.dataset_id,
        title=entry.title or origin.title or profile.dataset_id,
        licence=entry.licence_of_sources if origin.licence is None else origin.licence,
        licence_is_assumed=origin.licence is None and entry.licence_of_sources is not None,
        doi=origin.publication_doi,
        citation=origin.citation,
        files=[_read_file(name, path) for name, path in paths.items() if name not in _TEXTS],
    )


def _read_file(name: str, path: Path) -> AtlasFile:
    if path.suffix != ".parquet":
        return AtlasFile(name)
    with pq.ParquetFile(path) as file:
        return AtlasFile(name, file.metadata.num_rows, len(file.schema_arrow.names))
