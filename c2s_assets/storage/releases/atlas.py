"""Stages an atlas: the tables of one dataset under the names that people know, most of them as hard links."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.expression.tables import (
    OUR_FAULT,
    ExpressionDigest,
    expression_rows,
    matches_source,
)
from c2s_assets.core.findings import Finding
from c2s_assets.core.hashes import short_id
from c2s_assets.core.releases.atlas import REPORT, STRUCTURE, AtlasNames, names_of
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.schemas.documents import DatasetProfile, OriginProfile
from c2s_assets.schemas.record import Built
from c2s_assets.schemas.registry import CELLS, ENTRY_SHOWN, FEATURES, PROFILE
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument
from c2s_assets.storage.choosing import files_of, present_tables
from c2s_assets.storage.lake.documents import read_document, write_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import Stage
from c2s_assets.storage.releases.code import note_code, release_as_it_was
from c2s_assets.storage.releases.describing import problems_of_licences, write_description
from c2s_assets.storage.releases.staged import (
    describe_files,
    link_or_copy,
    read_release,
    release_entry,
)
from c2s_assets.storage.sources.listing import withdrawn_datasets
from c2s_assets.storage.tables.parquet import TableWriter, iter_table, table_schema
from c2s_assets.storage.tables.scanning import scan_files

# Of what a release is made by: raised when the same tables come to other files.
_FORM = 2

_EXPRESSION, _WIDE = "expression", "expression_matrix"
_PROJECTIONS, _UNSTRUCTURED, _REPORT = "projections", "unstructured_metadata", "validation_report"
_TABLES = (CELLS, FEATURES, _EXPRESSION, _PROJECTIONS, _UNSTRUCTURED, PROFILE, _REPORT)


def stage_atlas(staged: Stage, layout: Layout, settings: DatasetsFile, name: str) -> ReleaseDocument:
    """Write an atlas into a stage, and return its document; committing the stage puts it in its place.

    If all is as it was, and the code too, nothing is written, and the document is that of the last staging.

    Raises
    ------
    UnknownNameError
        If `datasets.yaml` does not describe the release, or the lake has no such dataset.
    MissingInputError
        If a table of the dataset is missing or outdated, or the dataset was withdrawn.
    """
    entry = release_entry(settings, name)
    tables = tables_of_atlas(layout, settings, entry)
    made_from = {table: built.digest for table, built in tables.items()}
    stated = settings.values(ENTRY_SHOWN, dataset_id=entry.datasets[0])
    inputs = short_id({"form": _FORM, "entry": entry.content, "tables": made_from, "stated": stated})
    if (same := release_as_it_was(layout, name, inputs=inputs)) is not None:
        return same
    last = read_release(layout, name)
    folder, names = staged.path(layout.release(name)), names_of(entry)
    folder.mkdir()
    for path, source in _sources(layout, names, tables).items():
        (folder / path).parent.mkdir(exist_ok=True)
        link_or_copy(source, folder / path)
    write_document(folder / STRUCTURE, _stated_profile(layout, settings, entry))
    kept = layout.release(name) / names.expression
    if last is not None and last.made_from.get(_EXPRESSION) == made_from[_EXPRESSION] and kept.exists():
        link_or_copy(kept, folder / names.expression)
    else:
        _write_expression(folder / names.expression, files_of(layout, tables[_EXPRESSION]))
    if tables_of_atlas(layout, settings, entry) != tables:
        raise MissingInputError("the dataset was built anew while it was staged. Run it again.")
    write_description(folder, name, entry)
    document = ReleaseDocument(
        name=name,
        plan_version=None,
        inputs=inputs,
        made_from=made_from,
        licence_problems=problems_of_licences(folder, entry),
        yanked=entry.yanked,
        files=describe_files(folder, {}),
    )
    write_document(folder / RELEASE_DOCUMENT, document)
    note_code(staged, layout, name)
    return document


def tables_of_atlas(layout: Layout, settings: DatasetsFile, entry: ReleaseEntry) -> dict[str, Built]:
    """Find the tables that an atlas is made of.

    Raises
    ------
    MissingInputError
        If one of them is missing or outdated, or the dataset was withdrawn.
    """
    (dataset_id,) = entry.datasets
    if dataset_id in withdrawn_datasets(layout):
        raise MissingInputError(f"{dataset_id} was withdrawn. Name another dataset in datasets.yaml.")
    return {
        table: present_tables(layout, settings, table, [dataset_id])[dataset_id]
        for table in wanted_tables(entry)
    }


def wanted_tables(entry: ReleaseEntry) -> tuple[str, ...]:
    """Name the tables of the lake that an atlas is made of."""
    return (*_TABLES, _WIDE) if entry.wide else _TABLES


def counted_rows(layout: Layout, folder: Path, entry: ReleaseEntry) -> dict[str, int]:
    """Return how many rows the files of an atlas should have, by the profile of its source file."""
    names, profile = names_of(entry), _profile(layout, entry)
    tables = [path.relative_to(folder).as_posix() for path in folder.glob("*.parquet")]
    return {path: profile.n_vars if path == names.features else profile.n_obs for path in tables}


def verify_atlas(folder: Path, layout: Layout, entry: ReleaseEntry) -> Iterator[Finding]:
    """Claim that its expression is that of the lake, and that all tables hold the same cells in one order."""
    names, n_vars = names_of(entry), _profile(layout, entry).n_vars
    yield matches_source(
        _digest(folder / names.expression, n_vars=n_vars),
        _digest(layout.parts(_EXPRESSION, entry.datasets[0]), n_vars=n_vars),
    )
    cells = _cell_ids(folder / names.cells)
    tables = [path for path in folder.glob("*.parquet") if path.name not in (names.cells, names.features)]
    wide = [folder / names.wide] if (folder / names.wide).exists() else []
    found = {path: _cell_ids(path).equals(cells) for path in [*sorted(tables), *wide]}
    other = next((path for path, is_same in found.items() if not is_same), None)
    message = f"{len(found)} tables hold the same {len(cells):,} cells."
    if other is not None:
        message = (
            f"{other.relative_to(folder)} does not hold the cells of {names.cells} in its order. {OUR_FAULT}"
        )
    yield Finding("rows_match_cells", other is None, message, {"n_tables": len(found)})


def _cell_ids(path: Path) -> pl.Series:
    files = [path] if path.is_file() else sorted(path.glob("*.parquet"))
    return scan_files(files).select(CELL_ID).collect()[CELL_ID]


def _sources(layout: Layout, names: AtlasNames, tables: Mapping[str, Built]) -> dict[str, Path]:
    """Find the file of the lake that becomes each file of the atlas, but for that of expression."""
    single = {
        CELLS: names.cells,
        FEATURES: names.features,
        _UNSTRUCTURED: names.unstructured,
    }
    found = {path: files_of(layout, tables[table])[0] for table, path in single.items()}
    found |= {names.projection(path.stem): path for path in files_of(layout, tables[_PROJECTIONS])}
    found[REPORT] = next(path for path in files_of(layout, tables[_REPORT]) if path.name == REPORT)
    if _WIDE in tables:
        found |= {f"{names.wide}/{path.name}": path for path in files_of(layout, tables[_WIDE])}
    return found


def _write_expression(path: Path, parts: list[Path]) -> None:
    """Put the parts of expression together as one file, of which each is a row group.

    In the lake they have a row group for every 128 cells, from which batches are drawn; of these, a change of
    one cell would send most of the file again.
    """
    rows_per_group = pq.read_metadata(parts[0]).num_rows
    with TableWriter(path, schema=table_schema(parts[0]), rows_per_group=rows_per_group) as writer:
        for part in parts:
            writer.write(pq.read_table(part))


def _profile(layout: Layout, entry: ReleaseEntry) -> DatasetProfile:
    return read_document(layout.profile(entry.datasets[0]), DatasetProfile)


def _stated_profile(layout: Layout, settings: DatasetsFile, entry: ReleaseEntry) -> DatasetProfile:
    """Return the profile with what `datasets.yaml` states of the publication."""
    profile = _profile(layout, entry)
    origin = profile.origin_by(settings.entry(entry.datasets[0]))
    return profile.model_copy(update={"origin": OriginProfile(**asdict(origin))})


def _digest(table: Path, *, n_vars: int) -> ExpressionDigest:
    digest = ExpressionDigest(n_vars)
    for block in iter_table(table):
        digest.add(expression_rows(block, n_vars=n_vars))
    return digest
