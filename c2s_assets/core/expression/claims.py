"""Claims about the file's columns and the matrix that was chosen."""

from collections.abc import Mapping

import polars as pl

from c2s_assets.core.expression.layers import MatrixVerdict, list_matrices
from c2s_assets.core.findings import Finding

# Of the wide table. To write 2,000 cells with 5,000 values each and read some again took 1.3 GB and 7 s of a
# processor with 200,000 columns, 0.7 GB and 3 s with 60,000: 4 kB a column.
_MOST_COLUMNS = 200_000


def reads_every_column(problems: Mapping[str, str]) -> Finding:
    """Claim that all of obs, var, obsm and every matrix can be read; `problems` says why something cannot."""
    message = "Every column and every matrix can be read."
    if problems:
        name, problem = next(iter(problems.items()))
        are = "is" if len(problems) == 1 else "are"
        message = f"{len(problems)} cannot be read and {are} left out, the first is {name}: {problem}"
    rows = pl.DataFrame(
        {"name": list(problems), "problem": list(problems.values())},
        schema={"name": pl.String, "problem": pl.String},
    )
    return Finding("reads_every_column", not problems, message, {"n_left_out": len(problems)}, rows)


def features_fit_into_columns(n_vars: int) -> Finding:
    """Claim that a table with one column per feature can be written, and read again."""
    message = f"{n_vars:,} features are as many columns."
    if n_vars > _MOST_COLUMNS:
        message = (
            f"{n_vars:,} features would be as many columns; at most {_MOST_COLUMNS:,} are written, because "
            f"whoever opens such a file has to read what it says of each. The table expression has the same "
            f"values: read some of them with c2s_assets.read_expression(..., genes=[...])."
        )
    return Finding("features_fit_into_columns", n_vars <= _MOST_COLUMNS, message, {"n_vars": n_vars})


def matrix_can_be_ranked(verdict: MatrixVerdict, *, layer: str, others: Mapping[str, str | None]) -> Finding:
    """Claim that a higher value of the matrix means more expression.

    `others` are the further matrices of the file with what they hold, if that was looked at.
    """
    range_seen = (
        f"{verdict.n_values_sampled:,} values between {verdict.min_value:g} and {verdict.max_value:g}"
    )
    there_are = f"Other matrices of the file: {list_matrices(others)}."
    messages = {
        "counts": f"{layer} holds counts: {range_seen}, all whole.",
        "normalised": f"{layer} holds normalised values: {range_seen}.",
        "scaled": f"{layer} was scaled: {range_seen}. Below zero, order no longer means expression. "
        f"{there_are} Keep counts or log-normalised values in raw.X or a layer, and name it as layer in the "
        f"dataset's entry of datasets.yaml.",
        "unknown": f"{layer} holds nothing but zeros in the {verdict.n_cells_sampled:,} cells looked at. "
        f"{there_are} Name the matrix that holds the expression as layer in the dataset's entry of "
        f"datasets.yaml.",
    }
    figures = {
        "kind": verdict.kind,
        "min_value": verdict.min_value,
        "max_value": verdict.max_value,
        "frac_whole": verdict.frac_whole,
    }
    return Finding("matrix_can_be_ranked", verdict.can_be_ranked, messages[verdict.kind], figures)
