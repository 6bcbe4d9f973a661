"""What is decided from whole columns of obs, before its cells are described block by block."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from c2s_assets.core.cells.donors import LABEL, donor_labels, name_donors
from c2s_assets.core.cells.organisms import organism_names
from c2s_assets.core.cells.sources import Sources, find_sources
from c2s_assets.core.columns import DONOR_ID, ORGANISM
from c2s_assets.core.settings import DatasetEntry

ReadColumn = Callable[[str], pl.Series]


@dataclass(frozen=True)
class Survey:
    """Where each fact is read, and how the labels of whole columns are read.

    Parameters
    ----------
    sources
        The obs columns that are read.
    donors
        From `name_donors`; without rows where obs names no donors.
    kept
        Columns of obs that are kept although ours has their name, because some value of ours is not theirs.
    """

    sources: Sources
    donors: pl.DataFrame
    kept: frozenset[str]


def survey_cells(names: Sequence[str], read: ReadColumn, *, entry: DatasetEntry) -> Survey:
    """Read the columns that are to be judged as a whole, one after the other.

    Parameters
    ----------
    names
        The columns of obs that can be read.
    read
        Reads one of them.

    Raises
    ------
    MissingColumnError
        If `datasets.yaml` names a column that obs does not have.
    """
    sources = find_sources(names, entry)
    labels = pl.Series([], dtype=pl.String) if sources.donor is None else donor_labels(read(sources.donor))
    donors = name_donors(labels)
    kept = set()
    if donors[LABEL].ne_missing(donors[DONOR_ID]).any():
        kept.add(DONOR_ID)
    if ORGANISM in sources.organism and _are_renamed(read(ORGANISM)):
        kept.add(ORGANISM)
    return Survey(sources=sources, donors=donors, kept=frozenset(kept))


def _are_renamed(organisms: pl.Series) -> bool:
    return organisms.cast(pl.String).ne_missing(organism_names(organisms)).any()
