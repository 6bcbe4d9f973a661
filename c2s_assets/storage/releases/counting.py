"""Counts the cells of written sides, for the card that tells of them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from c2s_assets.core.columns import DATASET_ID, SPLIT
from c2s_assets.core.releases.census import COUNTED, WORDS, Census, N
from c2s_assets.storage.tables.scanning import scan_files

_CELLS = pl.Schema({SPLIT: pl.String(), DATASET_ID: pl.String(), **COUNTED, N: pl.Int64()})
_WORDS = pl.Schema({**dict.fromkeys(WORDS, pl.Int32()), N: pl.Int64()})


def count_cells(sides: Mapping[str, Sequence[Path]]) -> Census:
    """Count the cells of some files by their side, whatever the rows say, and by what describes them.

    Memory is bounded by how much cells differ. Of a column that the files do not have, or have with values of
    another kind, all is null; those of a side have the same columns.
    """
    counted = [_count(side, scan_files(list(files))) for side, files in sides.items() if files]
    cells, words = (list(tables) for tables in zip(*counted, strict=True)) if counted else ([], [])
    return Census(
        cells=pl.concat([_CELLS.to_frame(), *cells]),
        words=pl.concat([_WORDS.to_frame(), *words]).group_by(WORDS).agg(pl.col(N).sum()),
    )


def _count(side: str, rows: pl.LazyFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    asked = list(_asked(rows.collect_schema()))
    of_cells = rows.select(pl.lit(side).alias(SPLIT), DATASET_ID, *asked)
    counted = [of_cells.group_by(pl.exclude(N)), rows.group_by(WORDS)]
    cells, words = pl.collect_all(
        [table.agg(pl.len().cast(pl.Int64).alias(N)) for table in counted], engine="streaming"
    )
    return cells.select(_CELLS.names()), words.select(_WORDS.names())


def _asked(there: Mapping[str, pl.DataType]) -> Iterator[pl.Expr]:
    for name, kind in COUNTED.items():
        is_it = there.get(name) == kind
        yield pl.col(name) if is_it else pl.lit(None, kind).alias(name)
