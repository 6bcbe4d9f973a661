"""What every materialization reports, and how it looks in the UI."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg
import polars as pl
import pyarrow as pa

from c2s_assets.core.pages.addresses import page_address
from c2s_assets.core.reports.text import as_markdown, one_line
from c2s_assets.schemas.columns import declared_columns
from c2s_assets.schemas.registry import TABLES
from c2s_assets.schemas.tables import Table
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.tables.parquet import count_rows, read_rows, size_bytes, table_schema

Metadata = dict[str, dg.MetadataValue]
Lineage = Mapping[str, Sequence[tuple[str, str]]]

_LONGEST_CELL = 60
_N_PREVIEW = 5


def as_metadata(figures: Mapping[str, int | float | str | None]) -> Metadata:
    """Show plain figures; what is unknown is left out."""
    shown: Metadata = {}
    for name, value in figures.items():
        match value:
            case bool() | str():
                shown[name] = dg.MetadataValue.text(one_line(str(value)))
            case int():
                shown[name] = dg.MetadataValue.int(value)
            case float():
                shown[name] = dg.MetadataValue.float(value)
            case None:
                pass
    return shown


def table_metadata(
    path: Path,
    model: Table,
    *,
    staged: Path,
    lineage: Lineage,
    preview: pl.DataFrame,
    n_rows: int | None = None,
) -> Metadata:
    """Describe a table: rows, size, columns with their descriptions and origins, and its first rows.

    Parameters
    ----------
    path
        Where the table will be.
    staged
        Where it is now, a file or a folder of parts.
    lineage
        Column to the (asset, column) pairs it was made of; columns that the table does not have are ignored.
    preview
        Its first rows.
    """
    schema = table_schema(staged)
    return {
        "dagster/row_count": dg.MetadataValue.int(count_rows(staged) if n_rows is None else n_rows),
        "dagster/column_schema": dg.MetadataValue.table_schema(_column_schema(schema, model)),
        "dagster/column_lineage": column_lineage(lineage, columns=schema.names),
        "path": dg.MetadataValue.path(path),
        "size_bytes": dg.MetadataValue.int(size_bytes(staged)),
        "preview": rows_as_markdown(preview, n_rows=_N_PREVIEW),
    }


def staged_metadata(staged: DatasetStage, *, lineage: Lineage) -> Metadata:
    """Describe the one table of an asset before it is in its place; what it shows is declared."""
    model, written = TABLES[staged.asset].model, staged.path()
    there = table_schema(written).names
    shown = [name for name in declared_columns(model) if name in there]
    preview = read_rows(written, 0, _N_PREVIEW, columns=shown)
    return table_metadata(staged.target, model, staged=written, lineage=lineage, preview=preview)


def document_metadata(staged: DatasetStage) -> Metadata:
    """Describe the document of an asset before it is in its place."""
    return file_metadata(staged.target, size=staged.path(staged.target).stat().st_size)


def page_metadata(dataset: Dataset) -> Metadata:
    """Link to the page on a dataset, with its pictures, which `c2s ui` serves beside Dagster's own."""
    return {"page": dg.MetadataValue.url(page_address(dataset.dataset_id))}


def wide_table_metadata(
    path: Path, *, staged: Path, n_rows: int, n_features: int, lineage: Lineage, preview: pl.DataFrame
) -> Metadata:
    """Describe a table with one column per feature: only those of the preview are listed one by one.

    Dagster stores what it shows with every run, and 29,400 columns would be 5 MB of it. See `table_metadata`.
    """
    columns = [
        shown_column(
            name,
            kind="string" if position == 0 else "float",
            description="Cell, as in cell_metadata." if position == 0 else "Value of the feature.",
            constraints=dg.TableColumnConstraints(nullable=False),
        )
        for position, name in enumerate(preview.columns)
    ]
    n_more = n_features - len(columns) + 1
    if n_more:
        description = f"{n_more:,} further features, each a column: named by symbol, else by feature_id."
        columns.append(shown_column("...", kind="float", description=description))
    return {
        "dagster/row_count": dg.MetadataValue.int(n_rows),
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns=columns)),
        "dagster/column_lineage": column_lineage(lineage, columns=preview.columns),
        "path": dg.MetadataValue.path(path),
        "size_bytes": dg.MetadataValue.int(size_bytes(staged)),
        "preview": rows_as_markdown(preview, n_rows=_N_PREVIEW),
    }


def file_metadata(path: Path, *, size: int) -> Metadata:
    """Describe a file that is no table."""
    return {"path": dg.MetadataValue.path(path), "size_bytes": dg.MetadataValue.int(size)}


def shown_column(
    name: str, *, kind: str, description: str, constraints: dg.TableColumnConstraints | None = None
) -> dg.TableColumn:
    """Describe a column of a table; names are the source's, and the UI reads descriptions as Markdown."""
    return dg.TableColumn(
        name=one_line(name), type=kind, description=as_markdown(description), constraints=constraints
    )


def column_lineage(lineage: Lineage, *, columns: Sequence[str]) -> dg.TableColumnLineageMetadataValue:
    """Show what columns are made of; those that the table does not have are ignored."""
    return dg.MetadataValue.column_lineage(
        dg.TableColumnLineage(
            {
                one_line(column): [
                    dg.TableColumnDep(asset_key=dg.AssetKey(asset), column_name=one_line(name))
                    for asset, name in origins
                ]
                for column, origins in lineage.items()
                if column in columns
            }
        )
    )


def rows_as_markdown(rows: pl.DataFrame, *, n_rows: int) -> dg.MarkdownMetadataValue:
    """Show the first rows as a small table, in which every text is shown as it is; long ones are cut."""
    head = rows.head(n_rows)
    lines = [" | ".join(_shown(name) for name in head.columns), " | ".join("---" for _ in head.columns)]
    lines += [" | ".join(_shown(value) for value in row) for row in head.iter_rows()]
    more = rows.height - head.height
    note = f"\n\n... and {more:,} more" if more and rows.height < 1_000_000 else ""
    return dg.MetadataValue.md("\n".join(f"| {line} |" for line in lines) + note)


def _shown(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return as_markdown(one_line(text, longest=_LONGEST_CELL))


def _column_schema(schema: pa.Schema, model: Table) -> dg.TableSchema:
    declared = declared_columns(model)
    return dg.TableSchema(
        columns=[
            shown_column(
                field.name,
                kind=str(field.type),
                description=declared[field.name].description
                if field.name in declared
                else "As in the source.",
                constraints=dg.TableColumnConstraints(
                    nullable=field.nullable, unique=field.name in declared and declared[field.name].is_key
                ),
            )
            for field in schema
        ]
    )
