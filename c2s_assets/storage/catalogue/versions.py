"""The catalogue: one DuckDB file in which all datasets of the lake are one set of tables.

What is large, such as cells and sentences, are views over the lake's parquet; what is small are tables. The
views hold absolute paths, so that they work from any working directory and in any DuckDB client; a lake that
was moved needs a new catalogue. They show a snapshot of links (see `snapshot`), so that every answer is of
one version of each table, whatever is built meanwhile.

One process builds at a time (see `catalogue_building`), and writes beside the file that readers have open,
which they can go on reading.
"""

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from c2s_assets.core.errors import C2SError, LakeError, MissingInputError
from c2s_assets.storage.catalogue.snapshot import lake_state
from c2s_assets.storage.catalogue.statements import statement
from c2s_assets.storage.lake.layout import Layout

# Beside the present one and the last: with a renewal every hour, a notebook may keep one open for five hours.
_N_EARLIER = 4


@dataclass(frozen=True)
class Reader:
    """An open catalogue."""

    connection: duckdb.DuckDBPyConnection

    def rows(self, name: str, **parameters: object) -> pl.DataFrame:
        """Answer one of our own queries, by its name in `sql/`."""
        answer = self.connection.sql(statement(name), params=parameters or None)
        return pl.DataFrame(answer.to_arrow_table())


@contextmanager
def open_catalogue(path: Path) -> Iterator[Reader]:
    """Open a catalogue for reading.

    Raises
    ------
    MissingInputError
        If it was not built yet.
    LakeError
        If it is not a DuckDB file, or somebody has it open for writing.
    """
    if not path.exists():
        raise MissingInputError(
            f"{path} does not exist yet. Build it: c2s query, or materialize `catalogue` in the UI."
        )
    try:
        connection = duckdb.connect(path, read_only=True)
    except duckdb.Error as error:
        if "Conflicting lock" in str(error):
            raise LakeError(
                f"{path} is open for writing: {error}. Close it there; whoever reads it opens it read-only: "
                f"duckdb -readonly."
            ) from error
        raise LakeError(
            f"{path} cannot be opened: {error}. Remove it, and build the catalogue again."
        ) from error
    with connection:
        yield Reader(connection)


def is_current(layout: Layout, *, withdrawn: Collection[str] = ()) -> bool:
    """Whether the catalogue shows the lake as it is now, and where it is now."""
    try:
        with open_catalogue(layout.catalogue) as reader:
            built_from = reader.rows("reports/built_from").row(0, named=True)
    except (C2SError, duckdb.Error):
        return False
    state = lake_state(layout, withdrawn=sorted(withdrawn))
    return (built_from["root"], built_from["lake_state"]) == (str(layout.root), state)


def shown_snapshot(layout: Layout) -> str | None:
    """Name the folder of the snapshot that the present catalogue shows; None if there is no catalogue."""
    try:
        with open_catalogue(layout.catalogue) as reader:
            return str(reader.rows("reports/built_from")["snapshot"][0])
    except (C2SError, duckdb.Error):
        return None


def remove_snapshots(layout: Layout, *, keep: Collection[str | None]) -> None:
    """Remove all snapshots but those to keep and the last few; to be called by who is `alone`.

    Somebody may have opened an earlier catalogue, and go on asking it.
    """
    others = [folder for folder in layout.catalogue_tables.iterdir() if folder.name not in keep]
    others.sort(key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
    for folder in others[_N_EARLIER:]:
        shutil.rmtree(folder)
