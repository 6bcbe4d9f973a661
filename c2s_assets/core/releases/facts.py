"""All that a card tells, as it is read from the files that it is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from c2s_assets.core.releases.census import Census
from c2s_assets.core.releases.sources import Source
from c2s_assets.core.splits.certificate import Certificate


@dataclass(frozen=True)
class Field:
    """A column of a published table, as the registry declares it, or as its source has it."""

    name: str
    type: str
    unit: str | None
    null: str | None
    says: str


@dataclass(frozen=True)
class PublishedTable:
    """A table of a release, which is a config of its own.

    Attributes
    ----------
    says
        What a row is.
    files
        Pattern of its files for each split of the config.
    """

    name: str
    says: str
    n_rows: int
    files: Mapping[str, str]
    fields: Sequence[Field]


@dataclass(frozen=True)
class ReleaseFacts:
    """What the files of a corpus say.

    Attributes
    ----------
    sides
        Those that each dataset has rows on.
    left_out
        Cells of the datasets that are on no side, by reason.
    inflation
        See schemas.leaks.LeakInflation; None if it was not computed.
    fields
        Columns of the table of cells.
    tables
        What is there beside the table of cells.
    """

    sides: Mapping[str, tuple[str, ...]]
    census: Census
    certificate: Certificate
    left_out: Mapping[str, int]
    inflation: pl.DataFrame | None
    sources: Sequence[Source]
    fields: Sequence[Field]
    tables: Sequence[PublishedTable]


@dataclass(frozen=True)
class DatasetFacts:
    """What the files of one dataset say; see `ReleaseFacts`."""

    sides: Sequence[str]
    census: Census
    left_out: Mapping[str, int]
    source: Source
    fields: Sequence[Field]
