"""What `donor_aliases` and audits have left in the lake, for who decides by it."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.leaks import (
    AuditedDatasets,
    AuditedDonors,
    CellCopies,
    DonorAliases,
    LeakInflation,
    Leaks,
)
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.tables.parquet import read_table

if TYPE_CHECKING:  # see schemas.arrow
    from c2s_assets.schemas.tables import Table


class Audited(NamedTuple):
    """What the last audit has kept: see schemas.leaks.AuditedDatasets, and AuditedDonors."""

    datasets: pl.DataFrame
    donors: pl.DataFrame


def read_aliases(layout: Layout) -> pl.DataFrame:
    """Read the pairs of donors that share cells, see schemas.leaks.DonorAliases; empty without any."""
    return _read(layout.donor_aliases, DonorAliases)


def read_copies(layout: Layout, dataset_id: str) -> pl.DataFrame:
    """Read a dataset's cells that have copies, see schemas.leaks.CellCopies; empty if it has none."""
    return _read(layout.cell_copies(dataset_id), CellCopies)


def read_leaks(layout: Layout) -> pl.DataFrame:
    """Read what the last audit found on two sides, see schemas.leaks.Leaks; empty before there was one."""
    return _read(layout.leaks, Leaks)


def read_audited(layout: Layout) -> Audited:
    """Read which files the last audit has seen, and who is in them; empty before there was one.

    What another c2s_assets has kept is of no use, and as if it were not there.
    """
    kept = _read(layout.audited_datasets, AuditedDatasets), _read(layout.audited_donors, AuditedDonors)
    ours = frame_schema(AuditedDatasets), frame_schema(AuditedDonors)
    if tuple(table.schema for table in kept) != ours:
        return Audited(*(schema.to_frame() for schema in ours))
    return Audited(*kept)


def read_inflation(layout: Layout) -> pl.DataFrame:
    """Read what a leak costs, see schemas.leaks.LeakInflation; empty before that was computed."""
    return _read(layout.leak_inflation, LeakInflation)


def _read(path: Path, model: "Table") -> pl.DataFrame:
    return read_table(path) if path.exists() else frame_schema(model).to_frame()
