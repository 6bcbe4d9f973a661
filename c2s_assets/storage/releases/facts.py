"""Reads what a staged release says of itself, from nothing but its files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from c2s_assets.core.columns import CELL_SENTENCE, SOURCE_COLUMNS
from c2s_assets.core.releases.facts import Field, PublishedTable, ReleaseFacts
from c2s_assets.core.splits.certificate import CERTIFICATE, CERTIFIED_MANIFEST, parse_certificate
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.catalogue import CATALOGUE
from c2s_assets.schemas.columns import DeclaredColumn, declared_columns, type_name
from c2s_assets.schemas.published import ReleaseSources, ReleaseVocabulary
from c2s_assets.schemas.registry import TABLES
from c2s_assets.schemas.tables import SplitManifest, SplitPlan, Table
from c2s_assets.storage.releases.beside import OF_FEATURES, VOCABULARY, WITH_SIDES, folder_of
from c2s_assets.storage.releases.counting import count_cells
from c2s_assets.storage.releases.sources import SOURCES, published_sources
from c2s_assets.storage.splits.proof import find_files
from c2s_assets.storage.tables.parquet import read_table
from c2s_assets.storage.tables.scanning import scan_files

INFLATION = "_leak_inflation.parquet"
# The split of a config whose table is of all sides; `all` means every split to `datasets`, and `train`, its
# default, would be taken for the side.
_ALL_SIDES = "table"
# Of the manifest, and what the card says of them.
_LEFT_OUT = {
    "n_non_primary": "they are not the canonical copy",
    "n_copies": "a copy of them is used",
    "n_without_age": "their age is not known",
    "n_quarantined": "their donor turned out to be one of another side",
}


def read_facts(folder: Path) -> ReleaseFacts:
    """Read what the card of a corpus tells, as it is in the files now."""
    files = find_files(folder)
    sides: dict[str, list[Path]] = {side: [] for side in SIDES}
    of_datasets: dict[str, list[str]] = {}
    for path in files:
        sides[path.parent.name].append(path)
        of_datasets.setdefault(path.parent.parent.name, []).append(path.parent.name)
    sources = published_sources(folder)
    return ReleaseFacts(
        sides={
            one.dataset_id: tuple(side for side in SIDES if side in of_datasets.get(one.dataset_id, []))
            for one in sources
        },
        census=count_cells(sides),
        certificate=parse_certificate((folder / CERTIFICATE).read_bytes(), name=CERTIFICATE),
        left_out=count_left_out(folder / CERTIFIED_MANIFEST),
        inflation=read_table(folder / INFLATION) if (folder / INFLATION).exists() else None,
        sources=sources,
        fields=read_fields(pq.read_schema(files[0]), CATALOGUE["training"].model),
        tables=list(_tables(folder)),
    )


def read_fields(written: pa.Schema, *models: Table) -> list[Field]:
    """Describe the columns of a file as the first of some models that has each declares it."""
    declared: dict[str, DeclaredColumn] = {}
    for model in reversed(models):
        declared |= declared_columns(model)
    return [_field(one, declared.get(one.name)) for one in written]


def _field(written: pa.Field, declared: DeclaredColumn | None) -> Field:
    kind = type_name(written.type)
    if declared is not None:
        return Field(written.name, kind, declared.unit, declared.null, declared.says)
    return Field(written.name, kind, None, None, _says(written.name))


def _says(name: str) -> str:
    """Say what a column is that no model declares."""
    if name == SOURCE_COLUMNS:
        return "What only the source of the cell has, as one JSON object."
    if name.startswith(f"{CELL_SENTENCE}_"):
        return f"Its sentence of the symbols of a gene list, {name.removeprefix(f'{CELL_SENTENCE}_')}."
    return "As the source has it."


def count_left_out(manifest: Path) -> dict[str, int]:
    """Count the cells that are on no side, by reason, as a manifest has them."""
    counted = scan_files(manifest).select(pl.col(*_LEFT_OUT).sum()).collect()
    return {says: int(counted[column][0]) for column, says in _LEFT_OUT.items()}


def _tables(folder: Path) -> Iterator[PublishedTable]:
    """Describe what is there beside the cells."""
    of_manifest = (SplitManifest, SplitPlan)
    yield _table("sources", {_ALL_SIDES: SOURCES}, [folder / SOURCES], ReleaseSources)
    yield _table("vocabulary", {_ALL_SIDES: VOCABULARY}, [folder / VOCABULARY], ReleaseVocabulary)
    manifest = folder / CERTIFIED_MANIFEST
    yield _table("split_manifest", {_ALL_SIDES: CERTIFIED_MANIFEST}, [manifest], *of_manifest)
    for table, config in (OF_FEATURES | WITH_SIDES).items():
        files = sorted((folder / folder_of(config)).glob("*.parquet"))
        if files:
            patterns = {_ALL_SIDES: f"{folder_of(config)}/*.parquet"}
            if table in WITH_SIDES:
                patterns = _patterns_of_sides(folder_of(config), files)
            yield _table(config, patterns, files, TABLES[table].model, SplitPlan)


def _table(name: str, patterns: Mapping[str, str], files: Sequence[Path], *models: Table) -> PublishedTable:
    return PublishedTable(
        name=name,
        says=" ".join((models[0].__doc__ or "").partition("\n\n")[0].split()),
        n_rows=sum(pq.read_metadata(path).num_rows for path in files),
        files=patterns,
        fields=read_fields(pq.read_schema(files[0]), *models),
    )


def _patterns_of_sides(place: str, files: Iterable[Path]) -> dict[str, str]:
    names = [path.name for path in files]
    return {
        side: f"{place}/*.{side}.parquet"
        for side in SIDES
        if any(name.endswith(f".{side}.parquet") for name in names)
    }
