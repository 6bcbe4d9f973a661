"""The catalogue: one DuckDB file in which all datasets of the lake are one set of tables.

What is large, such as cells and sentences, are views over the lake's parquet; what is small are tables. The
views hold absolute paths, so that they work from any working directory and in any DuckDB client; a lake that
was moved needs a new catalogue. They show a snapshot of links (see `snapshot`), so that every answer is of
one version of each table, whatever is built meanwhile.

One process builds at a time, and writes beside the file that readers have open, which they can go on reading.
"""

import fcntl
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from c2s_assets.core.errors import C2SError, LakeError, MissingInputError
from c2s_assets.core.splits import INDISTINCT_DONORS
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.catalogue import promised_columns
from c2s_assets.schemas.discover import Collections, Listing
from c2s_assets.schemas.documents import DatasetProfile, Provenance, ValidationReport
from c2s_assets.storage.documents import Document, read_document
from c2s_assets.storage.layout import Layout
from c2s_assets.storage.listing import read_collections, read_listing
from c2s_assets.storage.snapshot import TABLES, DatasetTables, Snapshot, lake_state, take_snapshot
from c2s_assets.storage.statements import statement

# Small tables are filled in this order: the later ones are made of the earlier.
_FILLED = ("datasets", "collections", "publications", "genes", "checks")
_VIEWS = ("cells", "features", "splits", "sentences", "projections")
# The files whose values are read while the catalogue is built.
_READ = ("cell_metadata", "feature_metadata")

_DESCRIBED = pa.schema(
    {
        **dict.fromkeys(("dataset_id", "title", "organism", "collection_id", "publication_doi"), pa.string()),
        **dict.fromkeys(("licence", "citation", "layer", "verdict"), pa.string()),
        "n_features": pa.int64(),
        **dict.fromkeys(("tables", "projections"), pa.list_(pa.string())),
        **dict.fromkeys(("source_sha256", "dataset_version_id", "source_url", "retrieved_at"), pa.string()),
        "source_size_bytes": pa.int64(),
        "is_current": pa.bool_(),
    }
)
_REPORTED = pa.schema(
    {
        **dict.fromkeys(("dataset_id", "asset", "state", "claim", "severity"), pa.string()),
        "holds": pa.bool_(),
        "message": pa.string(),
    }
)


@dataclass(frozen=True)
class Reader:
    """An open catalogue."""

    connection: duckdb.DuckDBPyConnection

    def rows(self, name: str, **parameters: object) -> pl.DataFrame:
        """Answer one of our own queries, by its name in `sql/`."""
        return _answer(self.connection, name, **parameters)


@contextmanager
def one_builder(layout: Layout) -> Iterator[None]:
    """Wait until nobody else builds the catalogue, and keep others waiting."""
    layout.staging.mkdir(parents=True, exist_ok=True)
    with (layout.staging / "catalogue.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_catalogue(layout: Layout, path: Path, *, withdrawn: Collection[str] = ()) -> Snapshot:
    """Write the catalogue to `path`, beside its place; to be called by `one_builder`.

    Parameters
    ----------
    withdrawn
        Datasets to leave out.

    Returns
    -------
    What it shows, and which datasets are left out because their tables cannot be read.
    """
    state = lake_state(layout, withdrawn=sorted(withdrawn))
    folder = layout.catalogue_tables / secrets.token_hex(8)
    snapshot = take_snapshot(layout, folder, templates=promised_columns(), withdrawn=withdrawn)
    built_from = {"root": str(layout.root), "snapshot": folder.name, "lake_state": state}
    # DuckDB 2.0 takes a question mark in the path of a new file for its end, so it is not written there.
    with TemporaryDirectory() as scratch:
        with duckdb.connect(Path(scratch) / path.name) as connection:
            _define(connection, snapshot)
            connection.execute(statement("fill/built_from"), built_from)
            connection.execute(statement("fill/indistinct_donors"), {"names": sorted(INDISTINCT_DONORS)})
            snapshot = _fill_with_what_is_sound(connection, layout, snapshot)
        shutil.move(Path(scratch) / path.name, path)
    return snapshot


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
    """Remove the snapshots that no reader can be using; to be called by `one_builder`."""
    for folder in layout.catalogue_tables.iterdir():
        if folder.name not in keep:
            shutil.rmtree(folder)


def _define(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    connection.execute(statement("tables/files"))
    for table in TABLES:
        # DuckDB itself writes the paths into the view, so that no SQL text is put together here.
        found = connection.read_parquet(
            snapshot.pattern(table), union_by_name=True, hive_partitioning=True, filename=True
        )
        found.create_view(table)
    for table in ("main", "built_from", "indistinct_donors", *_FILLED, *_VIEWS):
        connection.execute(statement(f"tables/{table}"))


def _fill_with_what_is_sound(
    connection: duckdb.DuckDBPyConnection, layout: Layout, snapshot: Snapshot
) -> Snapshot:
    """Fill the small tables, without the datasets of files that have sound footers but broken pages."""
    try:
        _fill(connection, layout, snapshot)
    except duckdb.Error:
        # To read all values of all files beforehand would take minutes; now it is known that it is worth it.
        broken = {name: why for name in snapshot.datasets if (why := _broken_file(snapshot, name))}
        if not broken:
            raise
        snapshot = snapshot.without(broken)
        _fill(connection, layout, snapshot)
    return snapshot


def _fill(connection: duckdb.DuckDBPyConnection, layout: Layout, snapshot: Snapshot) -> None:
    described, reported = [], []
    for dataset_id, tables in snapshot.datasets.items():
        described.append(_describe(layout, dataset_id, tables))
        reported += _read_checks(layout, dataset_id)
    listing, collections = read_listing(layout), read_collections(layout)
    sources = {
        "described": pa.Table.from_pylist(described, schema=_DESCRIBED),
        "reported": pa.Table.from_pylist(reported, schema=_REPORTED),
        "listed": arrow_schema(Listing).empty_table() if listing is None else listing.to_arrow(),
        "known_collections": (
            arrow_schema(Collections).empty_table() if collections is None else collections.to_arrow()
        ),
    }
    for name, rows in sources.items():
        connection.register(name, rows)
    connection.begin()
    try:
        for table in _FILLED:
            connection.execute(statement(f"fill/{table}"))
    except duckdb.Error:
        connection.rollback()
        raise
    connection.commit()
    for name in sources:
        connection.unregister(name)


def _describe(layout: Layout, dataset_id: str, tables: DatasetTables) -> dict[str, object]:
    profile = _read_if_sound(layout.profile(dataset_id), DatasetProfile)
    source = _read_if_sound(layout.raw_provenance(dataset_id), Provenance)
    described: dict[str, object] = {
        "dataset_id": dataset_id,
        "tables": tables.names,
        "projections": list(tables.projections),
        "n_features": tables.n_rows.get("feature_metadata"),
        "source_sha256": tables.source_sha256,
        "is_current": source is not None and source.sha256 == tables.source_sha256,
    }
    if profile is not None and profile.source_sha256 == tables.source_sha256:
        described |= {
            "title": profile.origin.title,
            "organism": profile.organism,
            "collection_id": profile.origin.collection_id,
            "publication_doi": profile.origin.publication_doi,
            "licence": profile.origin.licence,
            "citation": profile.origin.citation,
            "layer": profile.layer,
            "verdict": profile.verdict.kind,
        }
    if source is not None and source.sha256 == tables.source_sha256:
        described |= {
            "dataset_version_id": source.dataset_version_id,
            "source_url": source.url,
            "retrieved_at": source.retrieved_at,
            "source_size_bytes": source.size_bytes,
        }
    return described


def _read_checks(layout: Layout, dataset_id: str) -> list[Mapping[str, object]]:
    report = _read_if_sound(layout.validation_report(dataset_id), ValidationReport)
    if report is None:
        return []
    return [
        {
            "dataset_id": dataset_id,
            "asset": asset.asset,
            "state": asset.state,
            "claim": check.claim,
            "severity": check.severity,
            "holds": check.holds,
            "message": check.message,
        }
        for asset in report.assets
        for check in asset.checks
    ]


def _read_if_sound(path: Path, model: type[Document]) -> Document | None:
    """Read a document; one that is missing or spoilt says nothing of the dataset, but does not hide it."""
    try:
        return read_document(path, model)
    except C2SError:
        return None


def _broken_file(snapshot: Snapshot, dataset_id: str) -> str | None:
    """Say which file of a dataset has values that cannot be read, if any."""
    for table in _READ:
        for path in snapshot.files(table, dataset_id):
            try:
                with pq.ParquetFile(path) as file:
                    for _ in file.iter_batches():
                        pass
            except (pa.ArrowException, OSError) as error:
                return f"{table}/{path.name} cannot be read: {error}. Build it again: c2s build {dataset_id}."
    return None


def _answer(connection: duckdb.DuckDBPyConnection, name: str, **parameters: object) -> pl.DataFrame:
    return pl.DataFrame(connection.sql(statement(name), params=parameters or None).to_arrow_table())
