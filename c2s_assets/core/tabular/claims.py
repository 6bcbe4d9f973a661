"""Claims about tables whose rows are sums of cells."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.cells.claims import DONORS_ARE_KNOWN
from c2s_assets.core.columns import CELL_TYPE, DONOR_UID, SPLIT, SPLIT_LEVEL
from c2s_assets.core.expression.layers import Kind
from c2s_assets.core.expression.tables import OUR_FAULT
from c2s_assets.core.findings import Finding
from c2s_assets.core.splits import claims as split_claims
from c2s_assets.core.tabular.columns import N_CELLS
from c2s_assets.core.tabular.groups import is_used
from c2s_assets.core.tabular.members import Members

if TYPE_CHECKING:  # numba takes half a second to import
    from c2s_assets.core.tabular.sums import Totals

# Below, the mean of a gene says little of the donor; what decoupler and others ask of a pseudobulk sample.
FEWEST_CELLS = 10
# Sums are float32 on disk.
_ROUNDING = 1e-6
_IN_THE_ENTRY = "in the dataset's entry of datasets.yaml"


def sums_match_source(written: "Totals", source: "Totals") -> Finding:
    """Claim that rows, read back, sum up to the counts of their cells, and features to those of all cells."""
    n_rows, n_due = written.of_rows.size, source.of_rows.size
    figures: dict[str, int | float | str] = {"n_rows": n_rows, "sum": float(source.of_rows.sum())}
    message = f"{n_rows:,} rows sum up to {figures['sum']:,.0f} counts, all as in the source."
    wrong = None
    if n_rows != n_due:
        wrong = f"{n_rows:,} rows were written, {n_due:,} are due"
    elif (row := _first_difference(written.of_rows, source.of_rows)) is not None:
        wrong = f"row {row:,} sums up to {written.of_rows[row]:,.0f}, its cells to {source.of_rows[row]:,.0f}"
    elif (feature := _first_difference(written.of_features, source.of_features)) is not None:
        wrong = (
            f"feature {feature:,} sums up to {written.of_features[feature]:,.0f} over all rows, in their "
            f"cells to {source.of_features[feature]:,.0f}"
        )
    if wrong is not None:
        message = f"{wrong}. {OUR_FAULT}"
    return Finding("sums_match_source", wrong is None, message, figures)


def no_donor_in_both_splits(rows: pl.DataFrame) -> Finding:
    """Claim that no donor has rows on two sides."""
    return split_claims.no_donor_in_both_splits(
        rows.select(DONOR_UID, SPLIT, pl.lit("donor").alias(SPLIT_LEVEL))
    )


def accounts_for_all_cells(cells: pl.DataFrame, groups: Members) -> Finding:
    """Claim that every cell is in one group, on no side, or of a donor who cannot be told from others.

    Parameters
    ----------
    cells
        As `group_cells` takes them.
    """
    n_on_no_side = cells[SPLIT].null_count()
    n_without_donor = cells.height - n_on_no_side - int(cells.select(is_used().sum()).item())
    n_added_up = int(groups.rows[N_CELLS].sum())
    n_counted = n_added_up + n_on_no_side + n_without_donor
    message = f"{cells.height:,} cells: {n_added_up:,} added up"
    message += f", {n_on_no_side:,} left out that are on no side" if n_on_no_side else ""
    message += f", {n_without_donor:,} left out whose donor is not known" if n_without_donor else ""
    if n_counted != cells.height:
        message = f"{n_counted:,} cells are counted of {cells.height:,}. Build cell_metadata again"
    figures = {"n_cells": n_added_up, "n_on_no_side": n_on_no_side, "n_without_donor": n_without_donor}
    return Finding("accounts_for_all_cells", n_counted == cells.height, f"{message}.", figures)


def values_are_counts(kind: Kind, *, layer: str) -> Finding:
    """Claim that the values of the matrix can be added up; else the table has no rows."""
    message = f"{layer} holds counts."
    if kind != "counts":
        message = (
            f"{layer} holds {kind} values, and sums of those are no counts, so the table has no rows. If the "
            f"file has counts as well, name their matrix as layer {_IN_THE_ENTRY}."
        )
    return Finding("values_are_counts", kind == "counts", message, {"kind": kind})


def donors_are_known(cells: pl.DataFrame) -> Finding:
    """Claim that a cell on a side has a donor that can be told from others; else the table has no rows."""
    n_used = int(cells.select(is_used().sum()).item())
    message = f"{n_used:,} of {cells.height:,} cells are on a side and of a known donor."
    if not n_used:
        message = (
            f"None of {cells.height:,} cells is on a side and of a donor that can be told from others, so "
            f"there are no rows. If obs names the donors, give the column as donor_column {_IN_THE_ENTRY}."
        )
    return Finding("donors_are_known", n_used > 0, message, {"n_used": n_used}, because=DONORS_ARE_KNOWN)


def cell_types_are_known(groups: Members) -> Finding:
    """Claim that every group is of cells of a known type."""
    n_unknown = groups.rows[CELL_TYPE].null_count()
    n_types = groups.rows[CELL_TYPE].drop_nulls().n_unique()
    message = f"{n_types:,} cell types."
    if n_unknown:
        message = (
            f"{n_unknown:,} of {groups.rows.height:,} groups are of cells whose type is not known: all such "
            f"cells of a sample are taken together. If obs names types, give the column as cell_type_column "
            f"{_IN_THE_ENTRY}."
        )
    return Finding(
        "cell_types_are_known", n_unknown == 0, message, {"n_types": n_types, "n_unknown": n_unknown}
    )


def groups_have_cells(groups: Members, *, fewest: int, effect: str) -> Finding:
    """Claim that every group has enough cells; `effect` says what becomes of those that have not."""
    n_cells = groups.n_cells
    n_small, n_single = int((n_cells < fewest).sum()), int((n_cells == 1).sum())
    message = f"All {n_cells.size:,} groups have {fewest:,} cells or more."
    if n_small:
        single = f", {n_single:,} of them one cell" if n_single else ""
        message = f"{n_small:,} of {n_cells.size:,} groups have fewer than {fewest:,} cells{single}. {effect}"
    figures = {"n_groups": n_cells.size, "n_small": n_small, "n_single": n_single}
    return Finding("groups_have_cells", n_small == 0, message, figures)


def _first_difference(found: NDArray[np.float64], due: NDArray[np.float64]) -> int | None:
    differs = ~np.isclose(found, due, rtol=_ROUNDING, atol=0)
    return int(differs.argmax()) if differs.any() else None
