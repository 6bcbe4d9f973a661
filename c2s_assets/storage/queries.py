"""Queries that users write: read-only, and with no way to a file outside the lake's tables."""

from dataclasses import dataclass
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from c2s_assets.core.errors import QueryError
from c2s_assets.storage.catalogue import open_catalogue
from c2s_assets.storage.layout import Layout
from c2s_assets.storage.statements import statement

_LOCKED = ("access/no_files", "access/no_changes")


@dataclass(frozen=True)
class Answer:
    """The first rows of what was asked for; `is_cut` if there are more."""

    rows: pl.DataFrame
    is_cut: bool


def answer_query(layout: Layout, sql: str, *, max_rows: int) -> Answer:
    """Answer one query from the catalogue.

    Raises
    ------
    QueryError
        If the SQL is not one single query, or DuckDB refuses or cannot answer it.
    MissingInputError
        If there is no catalogue.
    """
    with TemporaryDirectory() as scratch, open_catalogue(layout.catalogue) as reader:
        connection = reader.connection
        _lock(connection, layout, scratch=scratch)
        try:
            _require_one_query(connection, sql)
            found = connection.sql(sql).limit(max_rows + 1).to_arrow_table()
        except duckdb.Error as error:
            raise QueryError(f'{error}\nWhat there is: c2s query "show tables".') from error
    rows = pl.DataFrame(found)
    return Answer(rows.head(max_rows), rows.height > max_rows)


def _lock(connection: duckdb.DuckDBPyConnection, layout: Layout, *, scratch: str) -> None:
    """Take away what a query could do besides reading tables; it cannot be given back."""
    tables = [str(layout.catalogue_tables), str(layout.root / "datasets")]
    connection.execute(statement("access/tables_only"), {"directories": tables})
    # DuckDB lets a query read the folder that it spills into, so that must not be the whole of /tmp.
    connection.execute(statement("access/spill"), {"directory": scratch})
    for name in _LOCKED:
        connection.execute(statement(name))


def _require_one_query(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    # A read-only connection may still write files: copy ... to.
    found = connection.extract_statements(sql)
    if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
        kinds = ", ".join(query.type.name.lower() for query in found) or "nothing"
        raise QueryError(f"one query is wanted that begins with select, from or with; this is {kinds}.")
