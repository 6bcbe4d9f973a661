"""What in a table breaks its schema, as data."""

from collections.abc import Iterable

import pandera.errors
import polars as pl

from c2s_assets.core.findings import Finding
from c2s_assets.schemas.tables import Table

_COLUMNS = {"column": pl.String, "rule": pl.String, "found": pl.String, "row": pl.Int64}


def violations(rows: pl.DataFrame, model: Table) -> pl.DataFrame:
    """List what breaks the model: `column`, `rule`, `found` (the value), `row` (0-based; null: the whole column).

    Empty if nothing does.
    """
    try:
        model.validate(rows, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        return cases.select(
            pl.col("column").cast(pl.String),
            pl.col("check").cast(pl.String).alias("rule"),
            pl.col("failure_case").cast(pl.String).alias("found"),
            pl.col("index").cast(pl.Int64).alias("row"),
        )
    return pl.DataFrame(schema=_COLUMNS)


def keeps_schema(blocks: Iterable[pl.DataFrame], model: Table) -> Finding:
    """Claim that a table, given in blocks of rows, keeps its model."""
    n_rows = 0
    found = []
    for block in blocks:
        found.append(violations(block, model).with_columns(pl.col("row") + n_rows))
        n_rows += block.height
    broken = pl.concat([pl.DataFrame(schema=_COLUMNS), *found])
    message = f"{n_rows:,} rows keep the schema {model.__name__}."
    if broken.height:
        first = broken.row(0, named=True)
        message = (
            f"{broken.height:,} values break the schema {model.__name__}: column {first['column']} must keep "
            f"{first['rule']}, row {first['row']} holds {first['found']!r}. Correct the source and add it again."
        )
    return Finding(
        "keeps_schema", broken.is_empty(), message, {"n_rows": n_rows, "n_violations": broken.height}, broken
    )


def descriptions(model: Table) -> dict[str, str]:
    """Tell what each declared column holds."""
    return {name: column.description or "" for name, column in model.to_schema().columns.items()}
