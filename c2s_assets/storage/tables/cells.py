"""Writes `cell_metadata`: obs, block by block, with what every dataset has of its cells."""

from collections.abc import Iterable
from functools import partial

from c2s_assets.core.cells.metadata import describe_cells
from c2s_assets.core.cells.survey import ObsSurvey, survey_cells
from c2s_assets.core.unreadable import OF_CELLS, refuse_unreadable
from c2s_assets.schemas.documents import ColumnProfile
from c2s_assets.storage.dataset import DatasetStage
from c2s_assets.storage.h5ad.source import H5ad

_CELLS_PER_BLOCK = 65_536


def write_cells(staged: DatasetStage, h5ad: H5ad, *, collection_id: str | None) -> ObsSurvey:
    """Write the table, and return what was found of obs as a whole.

    Parameters
    ----------
    collection_id
        Where known, makes `donor_uid` agree between datasets of one collection.

    Raises
    ------
    SourceError
        If a column that the dataset's entry names cannot be read.
    """
    profile, entry = staged.dataset.profile, staged.dataset.entry
    refuse_unreadable(entry, profile.obs_not_read, keys=OF_CELLS)
    names = readable(profile.obs_columns)
    survey = survey_cells(names, h5ad.obs.read, entry=entry, organism=profile.organism or entry.organism)
    describe = partial(
        describe_cells,
        survey=survey,
        dataset_id=profile.dataset_id,
        entry=entry,
        organism=profile.organism,
        collection_id=collection_id,
    )
    staged.write(describe(ids, obs) for ids, obs in h5ad.obs.blocks(names, rows=_CELLS_PER_BLOCK))
    return survey


def readable(columns: Iterable[ColumnProfile]) -> list[str]:
    """Name the columns that can be read."""
    return [column.name for column in columns if column.not_read is None]
