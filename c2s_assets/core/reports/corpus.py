"""What must hold of the catalogue of all datasets."""

from collections.abc import Mapping

import polars as pl

from c2s_assets.core.findings import Finding

_CLAIMS_OF_COLUMNS = ("table", "column", "type")
# Datasets of one donor that are named in a row.
_N_NAMED = 3


def keeps_columns(found: pl.DataFrame, *, expected: Mapping[str, Mapping[str, str]]) -> Finding:
    """Claim that every expected table has exactly its columns, in their order and with their types.

    Parameters
    ----------
    found
        `table`, `column`, `type`, one row per column; further tables are ignored.
    expected
        For each table the type of each column.
    """
    has = found.select(_CLAIMS_OF_COLUMNS).filter(pl.col("table").is_in(list(expected))).rows()
    wants = [(table, column, kind) for table in sorted(expected) for column, kind in expected[table].items()]
    broken = [("missing", *row) for row in wants if row not in has]
    broken += [("not expected", *row) for row in has if row not in wants]
    message = f"{len(expected)} tables have their {len(wants)} columns."
    if broken:
        problem, table, column, kind = broken[0]
        message = (
            f"{len(broken)} columns differ from what is declared, the first is {table}.{column} of type "
            f"{kind}: {problem}. This is a fault of ours: please report it."
        )
    rows = pl.DataFrame(broken, schema=["problem", *_CLAIMS_OF_COLUMNS], orient="row")
    return Finding("keeps_schema", has == wants, message, {"n_columns": len(has)}, rows)


def reads_every_dataset(n_read: int, left_out: Mapping[str, str]) -> Finding:
    """Claim that no dataset had to be left out; `left_out` says why each was."""
    message = f"All {n_read:,} datasets are read."
    if left_out:
        first = min(left_out)
        message = (
            f"{len(left_out):,} of {n_read + len(left_out):,} datasets are left out, the first is {first}: "
            f"{left_out[first]}"
        )
    rows = pl.DataFrame(
        {"dataset_id": sorted(left_out), "why": [left_out[name] for name in sorted(left_out)]},
        schema={"dataset_id": pl.String, "why": pl.String},
    )
    return Finding(
        "reads_every_dataset",
        not left_out,
        message,
        {"n_datasets": n_read, "n_left_out": len(left_out)},
        rows,
    )


def rows_match_lake(counted: pl.DataFrame, footers: Mapping[str, int]) -> Finding:
    """Claim that the catalogue shows as many cells of each dataset as its file holds.

    Parameters
    ----------
    counted
        `dataset_id` and `n_cells`, as the catalogue counts them.
    footers
        Rows of each `cell_metadata`, as its footer says.
    """
    files = pl.DataFrame(
        {"dataset_id": list(footers), "n_in_file": list(footers.values())},
        schema={"dataset_id": pl.String, "n_in_file": pl.Int64},
    )
    both = files.join(counted, on="dataset_id", how="full", coalesce=True).with_columns(
        pl.col("n_in_file", "n_cells").fill_null(0)
    )
    broken = both.filter(pl.col("n_in_file") != pl.col("n_cells")).sort("dataset_id")
    n_cells = int(counted["n_cells"].sum())
    message = f"{n_cells:,} cells of {len(footers):,} datasets, as their files say."
    if broken.height:
        first = broken.row(0, named=True)
        message = (
            f"{broken.height:,} datasets have another number of cells than their files; of "
            f"{first['dataset_id']} the catalogue shows {first['n_cells']:,}, the file says "
            f"{first['n_in_file']:,}. Build the catalogue again."
        )
    return Finding("rows_match_lake", broken.is_empty(), message, {"n_cells": n_cells}, broken)


def accounts_for_cells(groups: pl.DataFrame, *, n_cells: int, n_further: Mapping[str, int]) -> Finding:
    """Claim that the cells of each property add up to all cells.

    Parameters
    ----------
    groups
        `property`, `value` and `n_cells`.
    n_further
        By property: values that cells have beside their first; a cell counts for each of its values.
    """
    sums = groups.group_by("property").agg(pl.col("n_cells").sum()).sort("property")
    expected = [n_cells + n_further.get(name, 0) for name in sums["property"]]
    compared = sums.with_columns(pl.Series("expected", expected, pl.Int64))
    broken = compared.filter(pl.col("n_cells") != pl.col("expected"))
    message = f"Each of {sums.height} properties accounts for all {n_cells:,} cells"
    message += "".join(
        f"; by {name} they add up to {n_cells + n:,}, since a cell counts for each {name} that it has"
        for name, n in n_further.items()
        if n
    )
    if broken.height:
        first = broken.row(0, named=True)
        message = (
            f"Cells by {first['property']} add up to {first['n_cells']:,}, but there are "
            f"{first['expected']:,} to account for. Build the catalogue and the report again"
        )
    return Finding("accounts_for_cells", broken.is_empty(), f"{message}.", {"n_cells": n_cells}, broken)


def donors_are_on_one_side(on_both: pl.DataFrame, *, n_donors: int) -> Finding:
    """Claim that no donor is in train of one dataset and in test of another.

    The split plan sees to it; it is not so while datasets stand as they were built before there was one, or
    before it was made anew.

    Parameters
    ----------
    on_both
        `donor_uid, in_train_of, in_test_of, n_cells_in_train, n_cells_in_test`, one row per donor for whom it
        is not so; `in_*_of` list ids of datasets.
    n_donors
        All donors that can be told apart.
    """
    shown = on_both.with_columns(_first_few("in_train_of"), _first_few("in_test_of"))
    n_cells = int(on_both["n_cells_in_test"].sum())
    message = f"None of {n_donors:,} donors is in train of one dataset and in test of another."
    if shown.height:
        first = shown.row(0, named=True)
        message = (
            f"{shown.height:,} of {n_donors:,} donors are in train of one dataset and in test of another, "
            f"where they have {n_cells:,} cells; the first is {first['donor_uid']}, in train of "
            f"{first['in_train_of']} and in test of {first['in_test_of']}. These were built by different "
            f"plans. Give each donor one side again: c2s audit"
        )
    figures = {"n_donors_on_both_sides": shown.height, "n_cells_in_test": n_cells}
    return Finding("donors_are_on_one_side", shown.is_empty(), message, figures, shown)


def datasets_share_no_cells(shared: pl.DataFrame, *, n_datasets: int) -> Finding:
    """Claim that no two datasets hold the same cells of the same donors.

    Parameters
    ----------
    shared
        `dataset_a, dataset_b, n_shared, n_cells_a, n_cells_b`, one row per pair of which it is not so: those
        that share at least half of the cells of the smaller one.
    """
    message = f"No two of {n_datasets:,} datasets hold the same cells."
    if shared.height:
        first = shared.row(0, named=True)
        of_a, of_b = first["n_cells_a"], first["n_cells_b"]
        smaller = first["dataset_a"] if of_a <= of_b else first["dataset_b"]
        message = (
            f"{shared.height:,} pairs of datasets hold the same cells of the same donors, the first "
            f"{first['dataset_a']} and {first['dataset_b']}: {first['n_shared']:,} of the "
            f"{min(of_a, of_b):,} cells of {smaller} are in both. Whoever joins them counts these twice, and "
            f"may train on what is tested. Leave one out, or take it out of the lake: c2s rm {smaller}"
        )
    figures = {"n_pairs": shared.height, "n_cells_shared": int(shared["n_shared"].sum())}
    return Finding("datasets_share_no_cells", shared.is_empty(), message, figures, shared)


def _first_few(name: str) -> pl.Expr:
    """Write a list of ids as text; a collection may have dozens of datasets of one donor."""
    n_more = pl.col(name).list.len().cast(pl.Int64) - _N_NAMED
    named = pl.col(name).list.head(_N_NAMED).list.join(", ")
    return pl.when(n_more > 0).then(pl.format("{} and {} more", named, n_more)).otherwise(named).alias(name)
