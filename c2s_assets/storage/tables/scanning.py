"""The one place that hands parquet files to Polars: a path says nothing about what is in the file."""

from pathlib import Path
from typing import IO

import polars as pl


def scan_files(files: Path | IO[bytes] | list[Path]) -> pl.LazyFrame:
    """Scan one file, or several under each other.

    A folder above them may be called `[x]`, `what?` or `tissue=lung`, which Polars would take for patterns
    and for a column.
    """
    return pl.scan_parquet(files, glob=False, hive_partitioning=False)
