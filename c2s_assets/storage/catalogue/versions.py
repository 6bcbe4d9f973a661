"""The catalogue: one DuckDB file in which all datasets of the lake are one set of tables.

What is large, such as cells and sentences, are views over the lake's parquet; what is small are tables. The
views hold absolute paths, so that they work from any working directory and in any DuckDB client; a lake that
was moved needs a new catalogue. They show a snapshot of links (see `snapshot`), so that every answer is of
one version of each table, whatever is built meanwhile.

One process builds at a time (see `alone`), and writes beside the file that readers have open, which they can
go on reading. Of a lake in a bucket the catalogue is published as all else is, so that a machine builds it
only if no other one has; its views show objects (see `objects`), and only who knows those can ask it.
"""

import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from c2s_assets.core.errors import C2SError, LakeError, MissingInputError
from c2s_assets.storage.catalogue.snapshot import lake_state
from c2s_assets.storage.catalogue.statements import statement
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place
from c2s_assets.storage.lake.shapes import copy_around, present
from c2s_assets.storage.lake.staging import Stage
from c2s_assets.storage.lake.working_copy import WorkingCopy, working_copy_of

# A catalogue is replaced within an instant; whoever opens it just then opens the next one.
_TRIES, _PAUSE_SECONDS = 5, 0.05
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
    BucketError, BusyServerError
        If it is in a bucket, which does not give it.
    """
    if not path.exists():
        raise MissingInputError(
            f"{path} does not exist yet. Build it: c2s query, or materialize `catalogue` in the UI."
        )
    copy = copy_around(path)
    with _connect(path) if copy is None else _connect_with_objects(path, copy) as connection:
        yield Reader(connection)


def document_of(path: Path, snapshot: str) -> Path:
    """Return where it stands what the views of a catalogue read, of a lake in a bucket."""
    return Layout(path.parents[1]).catalogue_tables / f"{snapshot}.json"


def is_current(layout: Layout, *, withdrawn: Collection[str] = ()) -> bool:
    """Whether the catalogue shows the lake as it is now, and where it is now."""
    try:
        with open_catalogue(layout.catalogue) as reader:
            built_from = reader.rows("reports/built_from").row(0, named=True)
    except (C2SError, duckdb.Error):
        return False
    state = lake_state(layout, withdrawn=sorted(withdrawn))
    return (built_from["root"], built_from["lake_state"]) == (shown_place(layout, layout.root), state)


def shown_snapshot(layout: Layout) -> str | None:
    """Name the folder of the snapshot that the present catalogue shows; None if there is none."""
    if working_copy_of(layout) is not None:
        return None
    try:
        with open_catalogue(layout.catalogue) as reader:
            return str(reader.rows("reports/built_from")["snapshot"][0])
    except (C2SError, duckdb.Error):
        return None


def remove_snapshots(layout: Layout, *, keep: Collection[str | None]) -> None:
    """Remove all snapshots but those to keep and the last few; to be called by who is `alone`.

    Somebody may have opened an earlier catalogue, and go on asking it. In a bucket `collect` does so.
    """
    if working_copy_of(layout) is not None:
        return
    others = [folder for folder in layout.catalogue_tables.iterdir() if folder.name not in keep]
    others.sort(key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
    for folder in others[_N_EARLIER:]:
        shutil.rmtree(folder)


def targets_of(layout: Layout) -> list[Path]:
    """Return what takes its place when a catalogue does."""
    return [layout.catalogue, *([] if working_copy_of(layout) is None else [layout.catalogue_tables])]


def keep_here(layout: Layout, staged: Stage) -> None:
    """Let this machine alone have a catalogue that a bucket does not take, as where it may only be read."""
    shutil.rmtree(layout.catalogue_tables, ignore_errors=True)
    for target in reversed(targets_of(layout)):
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.path(target).replace(target)


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(path, read_only=True)
    except duckdb.Error as error:
        if "Conflicting lock" in str(error):
            raise LakeError(
                f"{path} is open for writing: {error}. Close it there; whoever reads it opens it read-only: "
                f"duckdb -readonly."
            ) from error
        raise LakeError(
            f"{path} cannot be opened: {error}. Remove it, and build the catalogue again."
        ) from error


def _connect_with_objects(path: Path, copy: WorkingCopy) -> duckdb.DuckDBPyConnection:
    for _ in range(_TRIES):
        with suppress(LakeError):
            return _connect_pair(path, copy)
        time.sleep(_PAUSE_SECONDS)
    return _connect_pair(path, copy)


def _connect_pair(path: Path, copy: WorkingCopy) -> duckdb.DuckDBPyConnection:
    """Open a catalogue, and what says which objects its views read.

    Raises
    ------
    LakeError
        If one of them is missing, as for the instant in which both are replaced.
    """
    from c2s_assets.storage.catalogue.objects import LakeFiles  # noqa: PLC0415

    # Not by its path, by which DuckDB would return what this process has open of an earlier one.
    with ExitStack() as opened:
        connection = opened.enter_context(duckdb.connect())
        try:
            connection.execute(statement("access/attach"), {"path": str(present(path))})
            connection.execute(statement("access/use"))
            snapshot = Reader(connection).rows("reports/built_from")["snapshot"][0]
            document = present(document_of(path, snapshot)).read_bytes()
        except (duckdb.Error, FileNotFoundError) as error:
            raise LakeError(f"{path} cannot be asked: {error}. Build it again: c2s query.") from error
        connection.register_filesystem(LakeFiles(copy, document))
        opened.pop_all()
        return connection
