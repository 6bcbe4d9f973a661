"""An answer as a file: parquet, CSV or JSON, written block by block beside its place, then moved there."""

import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from c2s_assets.core.errors import LakeError, QueryError
from c2s_assets.core.reports.text import csv_header, csv_rows
from c2s_assets.storage.catalogue.answer_types import FLAT, SHOWN, STORED
from c2s_assets.storage.lake.staging import sync
from c2s_assets.storage.tables.parquet import TableWriter, write_table


@dataclass(frozen=True)
class Export:
    """A kind of file.

    Attributes
    ----------
    types
        Of DuckDB, that it can hold; of all others it is given the text.
    """

    types: Collection[str]
    _write: Callable[[Path, pa.Schema, Iterable[pa.Table]], int]

    def write(self, path: Path, schema: pa.Schema, blocks: Iterable[pa.Table]) -> int:
        """Write the file, whole or not at all, also if the machine stops; return its number of rows.

        Raises
        ------
        LakeError
            If there is no such folder, or the disk does not take the file.
        """
        if not path.parent.is_dir():
            raise LakeError(f"{path} cannot be written: {path.parent} is not a folder. Make it first.")
        partial = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
        try:
            n_rows = self._write(partial, schema, blocks)
            sync(partial)
            partial.replace(path)
            sync(path.parent)
        except OSError as error:
            raise LakeError(f"{path} cannot be written: {error.strerror or error}.") from error
        finally:
            partial.unlink(missing_ok=True)
        return n_rows


def export_as(path: Path) -> Export:
    """Tell by the ending of a path what to write there.

    Raises
    ------
    QueryError
        If it is none of those that we write.
    """
    found = _EXPORTS.get(path.suffix.lower())
    if found is None:
        raise QueryError(f"{path} does not end in {', '.join(_EXPORTS)}: name the file by what it is to be.")
    return found


def _write_parquet(path: Path, schema: pa.Schema, blocks: Iterable[pa.Table]) -> int:
    with TableWriter(path, schema=schema) as writer:
        for block in blocks:
            writer.write(block)
    if not writer.n_rows:
        write_table(path, schema.empty_table(), schema=schema)
    return writer.n_rows


def _write_csv(path: Path, schema: pa.Schema, blocks: Iterable[pa.Table]) -> int:
    n_rows = 0
    with path.open("xb") as file:
        csv_header(schema.names).write_csv(file, include_header=False)
        for block in blocks:
            csv_rows(pl.DataFrame(block)).write_csv(file, include_header=False)
            n_rows += block.num_rows
    return n_rows


def _write_json(path: Path, _: pa.Schema, blocks: Iterable[pa.Table]) -> int:
    """Write one array of objects, a line each."""
    n_rows = 0
    with path.open("xb") as file:
        file.write(b"[")
        for block in blocks:
            lines = _with_numbers(pl.DataFrame(block)).write_ndjson().rstrip("\n").replace("\n", ",\n")
            file.write(b",\n" if n_rows else b"\n")
            file.write(lines.encode())
            n_rows += block.num_rows
        file.write(b"\n]\n")
    return n_rows


def _with_numbers(rows: pl.DataFrame) -> pl.DataFrame:
    """Make numbers of decimals, such as the sums of DuckDB, which Polars would write as texts."""
    return rows.with_columns(
        rows[name].cast(pl.Float64 if kind.scale else pl.Int128)
        for name, kind in rows.schema.items()
        if isinstance(kind, pl.Decimal)
    )


_EXPORTS = {
    ".parquet": Export(STORED, _write_parquet),
    ".csv": Export(FLAT, _write_csv),
    ".json": Export(SHOWN, _write_json),
}
