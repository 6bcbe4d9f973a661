"""What the validation report says: how each asset stands, and whether tables hold the same cells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from c2s_assets.core.findings import Finding

State = Literal["built", "refused", "outdated", "not checked", "not built"]

WITHOUT_RESULT: Mapping[State, str] = {
    "built": "No result: this check did not run when the asset was built. Build the dataset again.",
    "refused": "No result: the build of the asset stopped before this check.",
    "outdated": "No current result: the source file, the settings or the code have changed since. Build the "
    "dataset again.",
    "not checked": "No result: what is there was built by an earlier c2s_assets. Build the dataset again.",
    "not built": "No result: the asset is not built. Build the dataset.",
}


@dataclass(frozen=True)
class TableAgreement:
    """How the cells of a table compare with those of `cell_metadata`.

    Attributes
    ----------
    n_differ
        Rows that hold another cell, or one more or less.
    first_difference
        The first of them, for a person to read.
    """

    table: str
    n_rows: int
    n_differ: int
    first_difference: str | None
    is_current: bool

    @property
    def agrees(self) -> bool:
        """Whether it holds the same cells, and those of the present source."""
        return self.is_current and self.n_differ == 0


def compare_cells(
    table: str, blocks: Iterable[pl.Series], cells: pl.Series, *, is_current: bool
) -> TableAgreement:
    """Compare the cell ids of a table, block by block, with those of `cell_metadata`, in their order."""
    n_rows = n_differ = 0
    first: str | None = None
    for ids in blocks:
        expected = cells.slice(n_rows, len(ids))
        differs = ids.head(len(expected)).ne_missing(expected)
        if first is None and differs.any():
            row = int(differs.arg_true()[0])
            first = f"row {n_rows + row} is {ids[row]!r}, not {expected[row]!r}"
        n_differ += int(differs.sum()) + len(ids) - len(expected)
        n_rows += len(ids)
    n_differ += max(len(cells) - n_rows, 0)
    if first is None and n_rows != len(cells):
        first = f"it has {n_rows:,} rows, not {len(cells):,}"
    return TableAgreement(table, n_rows, n_differ, first, is_current)


def compare_sides(table: str, ids: pl.Series, cells: pl.Series, *, is_current: bool) -> TableAgreement:
    """Compare the cell ids of both sides of the split with `cell_metadata`: some of its cells, each once."""
    unknown = ids.filter(~ids.is_in(cells.implode()))
    repeated = ids.filter(~ids.is_first_distinct())
    first: str | None = None
    if len(repeated):
        first = f"{repeated[0]!r} is listed twice"
    if len(unknown):
        first = f"{unknown[0]!r} is no cell of cell_metadata"
    return TableAgreement(table, len(ids), len(unknown) + len(repeated), first, is_current)


def tables_agree_on_cells(agreements: Sequence[TableAgreement] | None, *, n_obs: int) -> Finding:
    """Claim that every table with one row per cell holds the same cells in the same order.

    Train and test hold some of them, each once. None stands for a `cell_metadata` that is not there, or not
    of the present source.
    """
    claim = "tables_agree_on_cells"
    if agreements is None:
        return Finding(
            claim,
            False,
            "cell_metadata was not built from the present source file, so there is nothing to compare other "
            "tables with. Build the dataset again.",
        )
    broken = [agreement for agreement in agreements if not agreement.agrees]
    message = f"{len(agreements)} tables hold the {n_obs:,} cells of cell_metadata."
    if broken:
        message = (
            f"{len(broken)} of {len(agreements)} tables do not go with cell_metadata: "
            f"{'; '.join(_explain(agreement) for agreement in broken)}. Build the dataset again."
        )
    rows = pl.DataFrame(
        {
            "table": [agreement.table for agreement in broken],
            "n_rows": [agreement.n_rows for agreement in broken],
            "n_differ": [agreement.n_differ for agreement in broken],
            "first_difference": [agreement.first_difference for agreement in broken],
        },
        schema={
            "table": pl.String,
            "n_rows": pl.Int64,
            "n_differ": pl.Int64,
            "first_difference": pl.String,
        },
    )
    return Finding(claim, not broken, message, {"n_tables": len(agreements), "n_broken": len(broken)}, rows)


def checks_hold(broken: Sequence[str], without_result: Sequence[str], *, n_checks: int) -> Finding:
    """Claim that every check of the dataset was made and holds; both lists name `asset/claim`."""
    message = f"All {n_checks} checks hold."
    said = []
    if broken:
        said.append(f"{len(broken)} of {n_checks} checks are broken: {', '.join(broken)}.")
    if without_result:
        said.append(f"{len(without_result)} have no current result: {', '.join(without_result)}.")
    figures = {
        "n_checks": n_checks,
        "n_broken": len(broken),
        "n_without_result": len(without_result),
    }
    first = None if without_result or not broken else broken[0].partition("/")[2]
    return Finding("checks_hold", not said, " ".join(said) or message, figures, because=first)


def _explain(agreement: TableAgreement) -> str:
    if not agreement.is_current:
        return f"{agreement.table} was made from an earlier version of the source file"
    return f"in {agreement.table}, {agreement.first_difference} ({agreement.n_differ:,} rows differ)"
