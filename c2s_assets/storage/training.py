"""The training table as files for whoever trains elsewhere: one schema, a folder for each side."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from c2s_assets.core.cells.uniform import training_schema, uniform_columns, with_source_columns
from c2s_assets.core.errors import LakeError, MissingInputError
from c2s_assets.core.hashes import short_id
from c2s_assets.core.splits.certificate import CERTIFICATE, CERTIFIED_MANIFEST
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.arrow import arrow_columns, arrow_schema
from c2s_assets.schemas.catalogue import CATALOGUE
from c2s_assets.schemas.record import Built
from c2s_assets.storage.choosing import files_of, present_tables
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.replacing import taking_the_place_of
from c2s_assets.storage.splits.certifying import certify
from c2s_assets.storage.tables.parquet import TableWriter, iter_table, read_footer, with_metadata

_READ, _WRITTEN = "train_test", "training"


@dataclass(frozen=True)
class Exported:
    """What was written: datasets, rows by side, and bytes of all files."""

    n_datasets: int
    n_rows: Mapping[str, int]
    size_bytes: int


@dataclass(frozen=True)
class UniformTable:
    """The training table with the same columns for all datasets of a lake, whatever each source has.

    Attributes
    ----------
    part_name
        Name of each file of a side, with a place for its number.
    """

    layout: Layout
    gene_lists: Iterable[str]
    part_name: str = "part-{:05d}.parquet"

    def write_sides(self, folder: Path, tables: Mapping[str, Built]) -> dict[str, int]:
        """Write the rows of datasets, a folder for each side that has any; return how many, by side."""
        schema = training_schema(self.gene_lists)
        made_from = short_id({dataset_id: built.digest for dataset_id, built in tables.items()})
        footer = {"table": _WRITTEN, "made_from": made_from}
        arrow = with_metadata(_described(arrow_columns(with_source_columns(schema))), footer)
        with ExitStack() as stack:
            writers = {
                side: stack.enter_context(TableWriter(folder / side, schema=arrow, part_name=self.part_name))
                for side in SIDES
            }
            for built in tables.values():
                for path in files_of(self.layout, built):
                    for block in iter_table(path):
                        columns = uniform_columns(block.schema, schema)
                        writers[path.parent.name].write(block.select(columns))
        return {side: writer.n_rows for side, writer in writers.items()}


def export_training(layout: Layout, folder: Path, *, datasets: Sequence[str] | None = None) -> Exported:
    """Write the training table of some or all datasets into a folder, a folder for each side.

    Beside them are the certificate of the split and its manifest, see `certify`. Every file of a side has the
    columns of `training_schema`, of the same types; memory is bounded by a block of rows.
    The folder appears whole or not at all. An export that is there already is replaced; the same tables give
    the same bytes.

    Raises
    ------
    LakeError
        If the folder holds anything but an export, or cannot be written.
    UnknownNameError
        If the lake has no such dataset.
    MissingInputError
        If a table of them is missing or outdated, or is built anew meanwhile.
    """
    _refuse_others(folder)
    settings = read_settings(layout)
    tables = present_tables(layout, settings, _READ, datasets)
    table = UniformTable(layout, settings.sentences.gene_lists)
    with taking_the_place_of(folder) as written:
        n_rows = table.write_sides(written, tables)
        certify(written, layout, tables)
        if present_tables(layout, settings, _READ, list(tables)) != tables:
            raise MissingInputError("a dataset was built anew while it was exported. Export again.")
        size_bytes = sum(path.stat().st_size for path in written.rglob("*.parquet"))
    return Exported(len(tables), n_rows, size_bytes)


def _described(schema: pa.Schema) -> pa.Schema:
    """Say of each declared column what it holds, in its metadata."""
    said = arrow_schema(CATALOGUE[_WRITTEN].model)
    return pa.schema(
        [
            field.with_metadata(said.field(field.name).metadata) if field.name in said.names else field
            for field in schema
        ]
    )


def _refuse_others(folder: Path) -> None:
    """Refuse to replace what was not exported."""
    if not folder.parent.is_dir():
        raise LakeError(f"{folder} cannot be written: {folder.parent} is not a folder. Make it first.")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise LakeError(f"{folder} is a file. Name a folder that is new or empty: --to DIR.")
    if (other := next(_others(folder), None)) is not None:
        raise LakeError(
            f"{folder} holds {other.relative_to(folder)}, which is no export of the training table and would "
            f"be lost. Name a folder that is new, empty or such an export: --to DIR."
        )


def _others(folder: Path) -> Iterator[Path]:
    """Find what an export does not hold, files or folders."""
    for path in sorted(folder.rglob("*")):
        if path.parent == folder and path.name in (CERTIFICATE, CERTIFIED_MANIFEST):
            continue
        is_side = path.parent == folder and path.name in SIDES and path.is_dir()
        if not is_side and not (path.parent.name in SIDES and _is_export(path)):
            yield path


def _is_export(path: Path) -> bool:
    try:
        return read_footer(path)["table"] == _WRITTEN
    except (LakeError, pa.ArrowException, OSError, KeyError):
        return False
