"""What in a table breaks its schema, as data."""

from collections.abc import Iterable, Iterator, Mapping

import pandera.errors
import polars as pl

from c2s_assets.core.findings import Finding
from c2s_assets.schemas.tables import Table

_COLUMNS = {"column": pl.String, "rule": pl.String, "found": pl.String, "row": pl.Int64}
_RULES_OF_TABLE = ("column_in_dataframe", "column_in_schema")
# pandera takes 40 ms to look at any block of cell_sentences, of which 1,024 cells are 9 MB: to look at those
# one by one was a sixth of the main job of a million cells.
_BYTES_AT_ONCE = 64 * 2**20


def violations(rows: pl.DataFrame, model: Table) -> pl.DataFrame:
    """List what breaks the model; empty if nothing does.

    Returns
    -------
    `column`, `rule`, `found` (the value) and `row` (0-based). `row` is null where it is the whole column
    that breaks the rule, for example because it is missing; `found` is then its type, or null.
    """
    try:
        model.validate(rows, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases: pl.DataFrame = errors.failure_cases
        # pandera names the table, not the column, where one is missing or should not be there.
        is_of_table = pl.col("check").is_in(_RULES_OF_TABLE)
        return cases.select(
            pl.when(is_of_table).then("failure_case").otherwise("column").cast(pl.String).alias("column"),
            pl.col("check").cast(pl.String).alias("rule"),
            pl.when(~is_of_table).then("failure_case").cast(pl.String).alias("found"),
            pl.col("index").cast(pl.Int64).alias("row"),
        )
    return pl.DataFrame(schema=_COLUMNS)


def keeps_schema(blocks: Iterable[pl.DataFrame], model: Table) -> Finding:
    """Claim that a table, given in blocks of rows, keeps its model.

    Each block is looked at on its own: that values differ between blocks is the claim of another check.
    """
    n_rows = 0
    found = []
    for block in blocks:
        found.append(violations(block, model).with_columns(pl.col("row") + n_rows))
        n_rows += block.height
    broken = pl.concat([pl.DataFrame(schema=_COLUMNS), *found])
    message = f"{n_rows:,} rows keep the schema {model.__name__}."
    if broken.height:
        message = (
            f"{broken.height:,} values break the schema {model.__name__}: "
            f"{_describe(broken.row(0, named=True))}. Correct the source and add it again."
        )
    return Finding(
        "keeps_schema", broken.is_empty(), message, {"n_rows": n_rows, "n_violations": broken.height}, broken
    )


def larger(blocks: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Put blocks of one table together, without a copy, so that there are fewer to look at."""
    waiting: list[pl.DataFrame] = []
    n_bytes = 0
    for block in blocks:
        size = block.estimated_size()
        if waiting and (n_bytes + size > _BYTES_AT_ONCE or block.schema != waiting[0].schema):
            yield pl.concat(waiting, rechunk=False)
            waiting, n_bytes = [], 0
        waiting.append(block)
        n_bytes += int(size)
    if waiting:
        yield pl.concat(waiting, rechunk=False)


def tables_keep_schemas(found: Iterable[Finding]) -> Finding:
    """Join what `keeps_schema` found of several tables: what is broken in the first that is, or all of it."""
    findings = list(found)
    worst = next((finding for finding in findings if not finding.holds), None)
    return worst or Finding("keeps_schema", True, " ".join(finding.message for finding in findings))


def _describe(violation: Mapping[str, object]) -> str:
    rule = f"column {violation['column']} breaks {violation['rule']}"
    if violation["row"] is not None:
        return f"{rule}, row {violation['row']} holds {violation['found']!r}"
    return rule if violation["found"] is None else f"{rule}, it is {violation['found']}"
