"""Building the catalogue: its views over a new snapshot of the lake, and the small tables beside them."""

import secrets
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from c2s_assets.core.cells.provenance import Origin
from c2s_assets.core.errors import BusyServerError, C2SError, ConfigError
from c2s_assets.core.settings import DatasetEntry
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.catalogue import CATALOGUE, promised_columns
from c2s_assets.schemas.discover import Collections, Listing
from c2s_assets.schemas.documents import DatasetProfile, Provenance, ValidationReport
from c2s_assets.schemas.registry import CELLS, FEATURES, HEALTH, TABLES
from c2s_assets.storage.catalogue.ddl import copy, definitions
from c2s_assets.storage.catalogue.snapshot import (
    SHOWN,
    DatasetTables,
    Snapshot,
    build_again,
    dataset_ids,
    lake_state,
    take_snapshot,
)
from c2s_assets.storage.catalogue.statements import statement
from c2s_assets.storage.catalogue.versions import Reader, document_of
from c2s_assets.storage.choosing import problem_of
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.documents import Document, read_document, read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place
from c2s_assets.storage.lake.working_copy import working_copy_of
from c2s_assets.storage.leaks.published import read_aliases, read_inflation, read_leaks
from c2s_assets.storage.sources.listing import read_collections, read_listing
from c2s_assets.storage.splits.plan import read_plan

# What the lake's own documents and listings say, by the name under which SQL finds it; of some a table of the
# catalogue is a copy, and all others are computed by `sql/fill/`.
_LISTED, _REPORTED, _PLANNED, _ALIASES, _LEAKING = "listed", "reported", "planned", "aliases", "leaking"
_INFLATED = "inflated"
_COPIES = {
    "listing": _LISTED,
    "checks": _REPORTED,
    "split_plan": _PLANNED,
    "donor_aliases": _ALIASES,
    "leaks": _LEAKING,
    "leak_inflation": _INFLATED,
}
# What there are views of.
_VIEWED = (*SHOWN, HEALTH)
# What DuckDB and Arrow say of a table or document that they cannot take.
_NOT_TAKEN = (duckdb.Error, pa.ArrowException, ValueError, OverflowError)


def build_catalogue(layout: Layout, path: Path, *, withdrawn: Collection[str] = ()) -> Snapshot:
    """Write the catalogue to `path`, beside its place; to be called by who is `alone`.

    Parameters
    ----------
    withdrawn
        Datasets to leave out.

    Returns
    -------
    What it shows, and which datasets are left out because their tables cannot be read.
    """
    with TemporaryDirectory() as names:
        # Of a lake in a bucket the links are names of objects, which a document keeps.
        tables = layout.catalogue_tables if working_copy_of(layout) is None else Path(names)
        return _build(layout, path, tables / secrets.token_hex(8), withdrawn=withdrawn)


def rows_of_tables(reader: Reader) -> dict[str, int]:
    """Count the rows of each table that the catalogue holds itself."""
    tables = (table.name for table in CATALOGUE.values() if table.shows is None)
    return {name: len(reader.connection.table(name)) for name in tables}


def rows_of_views(snapshot: Snapshot) -> dict[str, int]:
    """Add up the rows that a view shows of each dataset, as footers say; DuckDB would open every file."""
    datasets = snapshot.datasets.values()
    return {
        view.name: sum(tables.n_rows.get(view.shows, 0) for tables in datasets)
        for view in CATALOGUE.values()
        if view.shows in SHOWN
    }


def _build(layout: Layout, path: Path, folder: Path, *, withdrawn: Collection[str]) -> Snapshot:
    settings = read_settings(layout)
    # Before the lake is looked at, as a dataset of an earlier c2s_assets gets its record by that.
    outdated = {name: _outdated(Dataset(layout, name, settings)) for name in dataset_ids(layout)}
    state = lake_state(layout, withdrawn=sorted(withdrawn))
    snapshot = take_snapshot(
        layout, folder, templates=promised_columns(), outdated=outdated, withdrawn=withdrawn
    )
    built_from = {"root": shown_place(layout, layout.root), "snapshot": folder.name, "lake_state": state}
    try:
        _write(path, layout, snapshot, built_from)
    except _NOT_TAKEN:
        # To read all values of all files beforehand would take minutes; now it is known that it is worth it.
        broken = _find_broken(layout, snapshot)
        if not broken:
            raise
        snapshot = snapshot.without(broken)
        _write(path, layout, snapshot, built_from)
    return snapshot


def _write(path: Path, layout: Layout, snapshot: Snapshot, built_from: Mapping[str, str]) -> None:
    # DuckDB 2.0 takes a question mark in the path of a new file for its end, so it is not written there.
    with TemporaryDirectory() as scratch:
        written = Path(scratch) / path.name
        with duckdb.connect(written) as connection:
            _give_objects(connection, snapshot)
            connection.begin()
            _define(connection, {table: [snapshot.pattern(table)] for table in _VIEWED})
            connection.execute(statement("fill/built_from"), built_from)
            _fill(connection, layout, snapshot)
            connection.commit()
        shutil.move(written, path)
    if snapshot.objects is not None:
        document = document_of(path, snapshot.folder.name)
        document.parent.mkdir(parents=True, exist_ok=True)
        document.write_text(snapshot.objects.shown.model_dump_json(), encoding="utf-8")


def _give_objects(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    if snapshot.objects is not None:
        connection.register_filesystem(snapshot.objects)


def _find_broken(layout: Layout, snapshot: Snapshot) -> dict[str, str]:
    """Say of which datasets no catalogue can be made, and why, by halving those among which one is."""
    with duckdb.connect() as connection:
        _give_objects(connection, snapshot)
        try:
            _define(connection, {table: snapshot.patterns(table) for table in _VIEWED})
            _fill(connection, layout, snapshot)
        except _NOT_TAKEN as error:
            names = list(snapshot.datasets)
            if len(names) < 2:
                return {
                    name: _broken_file(snapshot, name) or f"{error}. {build_again(name)}" for name in names
                }
        else:
            return {}
    middle = len(names) // 2
    halves = snapshot.only(names[:middle]), snapshot.only(names[middle:])
    return {name: why for half in halves for name, why in _find_broken(layout, half).items()}


def _define(connection: duckdb.DuckDBPyConnection, files: Mapping[str, list[str]]) -> None:
    """Make the views over the files of each table, and the empty tables."""
    connection.execute(statement("schema/files"))
    for name, patterns in files.items():
        # DuckDB itself writes the paths into the view.
        connection.sql(_read_files(name), params={"files": patterns}).create_view(name)
    connection.execute(statement("schema/main"))
    connection.execute(statement("schema/built_from"))
    connection.execute(";\n".join(chain.from_iterable(map(definitions, CATALOGUE.values()))))


def _read_files(table: str) -> str:
    if table == HEALTH:
        return statement("files/lake")
    is_folder = table in TABLES and TABLES[table].form == "folder"
    return statement("files/folder" if is_folder else "files/table")


def _fill(connection: duckdb.DuckDBPyConnection, layout: Layout, snapshot: Snapshot) -> None:
    described, reported, settings = [], [], read_settings(layout)
    for dataset_id, tables in snapshot.datasets.items():
        described.append(_describe(Dataset(layout, dataset_id, settings), tables))
        reported += _read_checks(layout, dataset_id)
    listing, collections = read_listing(layout), read_collections(layout)
    sources = {
        "described": pa.Table.from_pylist(described, schema=CATALOGUE["datasets"].schema),
        _REPORTED: pa.Table.from_pylist(reported, schema=CATALOGUE["checks"].schema),
        _LISTED: arrow_schema(Listing).empty_table() if listing is None else listing.to_arrow(),
        _PLANNED: read_plan(layout).to_arrow(),
        _ALIASES: read_aliases(layout).to_arrow(),
        _LEAKING: read_leaks(layout).to_arrow(),
        _INFLATED: read_inflation(layout).to_arrow(),
        "known_collections": (
            arrow_schema(Collections).empty_table() if collections is None else collections.to_arrow()
        ),
    }
    for name, rows in sources.items():
        connection.register(name, rows)
    for table in CATALOGUE.values():
        if table.shows is None:
            copied = _COPIES.get(table.name)
            connection.execute(copy(table, rows=copied) if copied else statement(f"fill/{table.name}"))


def _describe(dataset: Dataset, tables: DatasetTables) -> dict[str, object]:
    layout, dataset_id = dataset.layout, dataset.dataset_id
    profile = _read_if_sound(layout.profile(dataset_id), DatasetProfile)
    source = _read_if_sound(layout.raw_provenance(dataset_id), Provenance)
    described: dict[str, object] = {
        "dataset_id": dataset_id,
        "tables": tables.names,
        "projections": list(tables.projections),
        "n_features": tables.n_rows.get(FEATURES),
        "source_sha256": tables.source_sha256,
        "is_current": source is not None and source.sha256 == tables.source_sha256,
        "outdated": list(tables.outdated),
    }
    if profile is not None and profile.source_sha256 == tables.source_sha256:
        described |= asdict(_origin(dataset, profile)) | {
            "organism": profile.organism,
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


def _outdated(dataset: Dataset) -> dict[str, str]:
    """Tell of each table how it stands, if it is not as it should be."""
    try:
        states = dataset.state()
    except C2SError as error:
        return {CELLS: str(error)}
    return {name: problem_of(state) for name, state in states.items() if state.is_problem}


def _origin(dataset: Dataset, profile: DatasetProfile) -> Origin:
    """Say what is known of the publication; an entry that cannot be followed states nothing."""
    try:
        return profile.origin_by(dataset.entry)
    except ConfigError:
        return profile.origin_by(DatasetEntry())


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
    except BusyServerError:
        raise
    except (C2SError, OSError):
        return None


def _broken_file(snapshot: Snapshot, dataset_id: str) -> str | None:
    """Say which file of a dataset has values that cannot be read, if any: DuckDB does not name it."""
    for table in SHOWN:
        for path in snapshot.files(table, dataset_id):
            try:
                with snapshot.open(path) as opened, pq.ParquetFile(opened) as file:
                    for _ in file.iter_batches():
                        pass
            except (pa.ArrowException, OSError) as error:
                return f"{table}/{path.name} cannot be read: {error}. {build_again(dataset_id)}"
    return None
