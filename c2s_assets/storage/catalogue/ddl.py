"""The SQL that makes the catalogue's tables and views; names and types are those of the declarations."""

from collections.abc import Iterator
from importlib.resources import files

from c2s_assets.schemas.catalogue import CatalogueTable
from c2s_assets.storage.catalogue.statements import quoted, statement

_VIEWS = files("c2s_assets.storage.catalogue") / "sql" / "views"


def definitions(table: CatalogueTable) -> Iterator[str]:
    """Write the statements that make an empty table, or a view, with its comments.

    A view shows the columns of its table, each as the type that is declared; what it computes of them
    stands in `sql/views/`.
    """
    yield _create_table(table) if table.shows is None else _create_view(table)
    kind = "table" if table.shows is None else "view"
    yield f"comment on {kind} {quoted(table.name)} is {_text(table.description)}"
    for column in table.columns:
        place = f"{quoted(table.name)}.{quoted(column.name)}"
        yield f"comment on column {place} is {_text(column.description)}"


def copy(table: CatalogueTable, *, rows: str) -> str:
    """Write the statement that fills a table with rows that have its columns, or some of them."""
    return f"insert into {quoted(table.name)} by name from {quoted(rows)}"


def _create_table(table: CatalogueTable) -> str:
    columns = [
        f"{quoted(column.name)} {table.types[column.name]}{' not null' if column.null is None else ''}"
        for column in table.columns
    ]
    key = ", ".join(map(quoted, table.key))
    return f"create table {quoted(table.name)} ({', '.join(columns)}, primary key ({key}))"


def _create_view(table: CatalogueTable) -> str:
    columns = [f"{quoted(name)}::{of_type} as {quoted(name)}" for name, of_type in table.types.items()]
    computed = _VIEWS / f"{table.name}.sql"
    source = f"({statement(f'views/{table.name}')})" if computed.is_file() else f"files.{quoted(table.shows)}"
    # Names are those of our own models, in quotes.
    return f"create view {quoted(table.name)} as select {', '.join(columns)} from {source}"  # noqa: S608


def _text(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
