"""Queries that users write: read-only, and with no way to a file outside the lake's tables."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import duckdb
import polars as pl
import pyarrow as pa

from c2s_assets.core.errors import QueryError
from c2s_assets.storage.catalogue.answer_types import SHOWN, STORED, as_types
from c2s_assets.storage.catalogue.export import export_as
from c2s_assets.storage.catalogue.snapshot import literal_pattern
from c2s_assets.storage.catalogue.statements import statement
from c2s_assets.storage.catalogue.versions import Reader, open_catalogue
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place
from c2s_assets.storage.lake.working_copy import working_copy_of
from c2s_assets.storage.tables.parquet import ROWS_PER_GROUP

_LOCKED = ("access/no_files", "access/no_changes")
_EXPLAIN = re.compile(r"\s*explain\s+(analyze\s+)?", re.IGNORECASE)
_NO_LIMIT = 2**62
# See `objects`, which is loaded by who needs it.
_OBJECTS = "c2s://"
Taken = TypeVar("Taken")


@dataclass(frozen=True)
class Answer:
    """The first rows of what was asked for; `is_cut` if there are more."""

    rows: pl.DataFrame
    is_cut: bool


def answer_query(layout: Layout, sql: str, *, max_rows: int) -> Answer:
    """Answer one query from the catalogue; of types other than numbers, texts and lists of them, the text.

    Raises
    ------
    QueryError
        If the SQL is not one single query, or DuckDB refuses or cannot answer it.
    MissingInputError
        If there is no catalogue.
    """

    def take(asked: duckdb.DuckDBPyRelation) -> pl.DataFrame:
        return pl.DataFrame(as_types(asked.limit(max_rows + 1), SHOWN).to_arrow_table())

    rows = _ask(layout, sql, take)
    return Answer(rows.head(max_rows), rows.height > max_rows)


def read_query(layout: Layout, sql: str) -> pl.DataFrame:
    """Return the whole answer to a query; of types that Polars has not, such as intervals, the text.

    Raises
    ------
    QueryError, MissingInputError
        As `answer_query`.
    """

    def take(asked: duckdb.DuckDBPyRelation) -> pl.DataFrame:
        return pl.DataFrame(as_types(asked.limit(_NO_LIMIT), STORED).to_arrow_table())

    return _ask(layout, sql, take)


def export_query(layout: Layout, sql: str, path: Path) -> int:
    """Write the whole answer to a query into a file, as its ending says; return the number of rows.

    The file appears whole or not at all. Memory is bounded by a block of rows.

    Raises
    ------
    QueryError, MissingInputError
        As `answer_query`, and if the ending is not known.
    LakeError
        If the file cannot be written.
    """
    kind = export_as(path)

    def take(asked: duckdb.DuckDBPyRelation) -> int:
        answer = as_types(asked.limit(_NO_LIMIT), kind.types)
        with answer.to_arrow_reader(ROWS_PER_GROUP) as reader:
            return kind.write(path, reader.schema, _blocks(reader))

    return _ask(layout, sql, take)


def _ask(layout: Layout, sql: str, take: Callable[[duckdb.DuckDBPyRelation], Taken]) -> Taken:
    """Open the catalogue with nothing but its tables, put the question, and take the answer."""
    with TemporaryDirectory() as scratch, open_catalogue(layout.catalogue) as reader:
        connection = reader.connection
        _lock(connection, layout, scratch=scratch)
        try:
            _require_one_query(connection, sql)
            return _stoppable(connection, lambda: take(connection.sql(sql)))
        except duckdb.Error as error:
            _require_same_place(reader, layout)
            raise QueryError(f'{error}\nWhat there is: c2s query "show tables".') from error


def _stoppable(connection: duckdb.DuckDBPyConnection, task: Callable[[], Taken]) -> Taken:
    """Do it in another thread: in this one Ctrl-C would have to wait for DuckDB, which may take hours."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        done = pool.submit(task)
        try:
            # Polars has the system restart what a signal interrupts: an endless wait would never hear of it.
            while not wait([done], timeout=0.1).done:
                pass
        except KeyboardInterrupt:
            connection.interrupt()
            raise
        return done.result()


def _blocks(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Read what DuckDB finds, block by block; of its errors some come as those of Arrow, or of the system."""
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except (pa.ArrowException, OSError) as error:
            raise QueryError(str(error)) from error
        yield pa.Table.from_batches([batch])


def _lock(connection: duckdb.DuckDBPyConnection, layout: Layout, *, scratch: str) -> None:
    """Take away what a query could do besides reading tables; it cannot be given back."""
    if working_copy_of(layout) is not None:
        directories = [_OBJECTS]
    else:
        tables = [str(layout.catalogue_tables), str(layout.datasets)]
        # Of a view's pattern DuckDB compares the letters, before it looks for files, and then those of each.
        directories = [*tables, *map(literal_pattern, tables)]
    connection.execute(statement("access/tables_only"), {"directories": directories})
    # The one file that a view follows a link to out of these folders, whatever it is by then.
    connection.execute(statement("access/health"), {"paths": [str(layout.health_report)]})
    # DuckDB lets a query read the folder that it spills into, so that must not be the whole of /tmp.
    connection.execute(statement("access/spill"), {"directory": scratch})
    for name in _LOCKED:
        connection.execute(statement(name))


def _require_one_query(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    # A read-only connection may still write files: copy ... to, or explain analyze copy ... to.
    found = connection.extract_statements(sql)
    kinds = [query.type for query in found]
    if kinds == [duckdb.StatementType.EXPLAIN] and (explain := _EXPLAIN.match(sql)):
        explained = connection.extract_statements(sql[explain.end() :])
        kinds = [query.type for query in explained]
    if kinds == [duckdb.StatementType.SELECT]:
        return
    if kinds == [duckdb.StatementType.MULTI]:
        # DuckDB first writes the values down as a type; what else would be written cannot be told from it.
        raise QueryError(
            "pivot has to name its values: pivot cells on sex in ('female', 'male') using count(*). Or ask "
            "with select count(*) filter (where sex = 'female')."
        )
    named = ", ".join(query.type.name.lower() for query in found) or "nothing"
    raise QueryError(f"one query is wanted that begins with select, from or with; this is {named}.")


def _require_same_place(reader: Reader, layout: Layout) -> None:
    built_in, now = reader.rows("reports/built_from")["root"][0], shown_place(layout, layout.root)
    if built_in != now:
        raise QueryError(
            f"the catalogue was built in {built_in} and the lake is in {now} now, so its tables are "
            f"not found. Leave --as-is out: the catalogue is then built anew."
        )
