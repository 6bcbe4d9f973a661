"""What in a table of a projection breaks its schema, whatever its axes are called."""

from collections.abc import Collection, Iterable

import polars as pl

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.findings import Finding
from c2s_assets.schemas.tables import Projection
from c2s_assets.schemas.violations import violations


def keeps_schema(
    tables: Iterable[tuple[str, Iterable[pl.DataFrame]]], *, of_source: Collection[str] = ()
) -> Finding:
    """Claim that every table, given in blocks, has cell ids and axes of float32, finite or null.

    Those of `of_source` have columns of the source as they are instead of axes.
    """
    n_tables = n_rows = 0
    found = []
    for name, blocks in tables:
        n_tables += 1
        first = 0
        for block in blocks:
            broken = violations(block, Projection)
            if name not in of_source:
                broken = pl.concat([broken, _axis_violations(block)])
            found.append(
                broken.select(pl.lit(name).alias("table"), pl.all().exclude("row"), pl.col("row") + first)
            )
            first += block.height
        n_rows += first
    figures = {"n_tables": n_tables, "n_rows": n_rows}
    rows = pl.concat(found) if found else pl.DataFrame(schema={"table": pl.String})
    message = f"{n_tables} tables of {n_rows:,} rows together keep the schema Projection."
    if rows.height:
        first_broken = rows.row(0, named=True)
        message = (
            f"{rows.height:,} values break the schema Projection: column {first_broken['column']} of "
            f"{first_broken['table']} breaks {first_broken['rule']}. This is a fault of ours: please report "
            "it."
        )
    return Finding("keeps_schema", rows.is_empty(), message, figures | {"n_violations": rows.height}, rows)


def _axis_violations(block: pl.DataFrame) -> pl.DataFrame:
    """List the axes that are not float32, and their values that are neither finite nor null."""
    axes = [name for name in block.columns if name != CELL_ID]
    found: list[tuple[str, str, str | None, int | None]] = []
    if not axes:
        found.append(("*", "has_axes", None, None))
    for name in axes:
        if block.schema[name] != pl.Float32:
            found.append((name, "dtype('Float32')", str(block.schema[name]), None))
            continue
        wrong = block[name].is_finite().fill_null(True).not_().arg_true()
        found += [(name, "is_finite", str(block[name][row]), row) for row in wrong]
    schema = {"column": pl.String, "rule": pl.String, "found": pl.String, "row": pl.Int64}
    return pl.DataFrame(found, schema=schema, orient="row")
