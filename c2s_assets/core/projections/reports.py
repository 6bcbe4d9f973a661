"""What is known of the projections of a dataset, and the claims about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from c2s_assets.core.findings import Finding
from c2s_assets.core.projections.names import COMPUTED, Method

# Seconds on two cores, others working beside: t-SNE of 10,000, 20,000, 50,000 cells 30, 48, 61, and 100,000
# more placed among the last in 17; UMAP 13, 11, 35 (500 steps up to 10,000, then 200), and 50,000 more in 18.
MOST_FITTED = 50_000
# Principal components that UMAP and t-SNE are computed from: as many as we compute, of an author's also.
MOST_AXES = 50

Form = Literal["coordinates", "columns", "sparse"]


@dataclass(frozen=True)
class Embedding:
    """One embedding as it was written.

    Attributes
    ----------
    table
        Name of its table, ``X_umap``.
    source
        Whether it is the author's or ours.
    method
        What made it, by its name; None if it is none of those we compute.
    axes
        Names of its columns beside `cell_id`.
    says
        What stands in the footer of the file.
    n_fitted
        Cells that decided; None if that is not known.
    notes
        What the library warned of.
    form
        Whether the columns are coordinates, columns of the source as they are, or the lists of a sparse
        matrix.
    """

    table: str
    source: Literal["author", "computed"]
    method: Method | None
    axes: Sequence[str]
    says: Mapping[str, Any] = field(default_factory=dict)
    n_fitted: int | None = None
    notes: Sequence[str] = ()
    form: Form = "coordinates"


@dataclass(frozen=True)
class LeftOut:
    """Why something was not written, and what to do."""

    name: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """An author's array beside its table: how many values differ, were not finite, or had more digits."""

    n_differ: int = 0
    n_not_finite: int = 0
    n_rounded: int = 0

    def __add__(self, other: "Comparison") -> "Comparison":
        """Count both."""
        return Comparison(
            self.n_differ + other.n_differ,
            self.n_not_finite + other.n_not_finite,
            self.n_rounded + other.n_rounded,
        )


def rows_match_cells(found: Mapping[str, Finding]) -> Finding:
    """Claim that each table, by its name, has the rows of `cell_metadata`."""
    broken = {table: finding for table, finding in found.items() if not finding.holds}
    message = f"{len(found)} tables with one row per cell, in the order of cell_metadata."
    if broken:
        table, first = next(iter(broken.items()))
        message = (
            f"{len(broken)} of {len(found)} tables do not have the rows of cell_metadata, the first is "
            f"{table}: {first.message}"
        )
    figures = {"n_tables": len(found), "n_broken": len(broken)}
    return Finding("rows_match_cells", not broken, message, figures)


def authors_projections_are_untouched(compared: Mapping[str, Comparison]) -> Finding:
    """Claim that the author's tables hold the values of the source, as float32; null where not finite."""
    total = sum(compared.values(), Comparison())
    message = f"{len(compared)} of the author's projections hold the values of the source."
    if total.n_differ:
        table = next(table for table, found in compared.items() if found.n_differ)
        message = (
            f"{total.n_differ:,} values of the author's projections are not those of the source, the first "
            f"in {table}. Was the file changed while it was read? Build again."
        )
    if total.n_rounded:
        message += f" {total.n_rounded:,} values had more digits than float32 holds and were rounded."
    if total.n_not_finite:
        message += f" {total.n_not_finite:,} values are NaN or infinite, and null here."
    rows = pl.DataFrame(
        [
            (table, found.n_differ, found.n_rounded, found.n_not_finite)
            for table, found in compared.items()
            if found.n_differ
        ],
        schema={"table": pl.String, "n_differ": pl.Int64, "n_rounded": pl.Int64, "n_not_finite": pl.Int64},
        orient="row",
    )
    figures = {
        "n_tables": len(compared),
        "n_differ": total.n_differ,
        "n_rounded": total.n_rounded,
        "n_not_finite": total.n_not_finite,
    }
    return Finding("authors_projections_are_untouched", total.n_differ == 0, message, figures, rows)


def projections_are_complete(written: Sequence[Embedding], left_out: Sequence[LeftOut]) -> Finding:
    """Claim that PCA, UMAP and t-SNE are all there, and that no array of obsm was left out."""
    there = {projection.method for projection in written}
    message = f"{', '.join(COMPUTED)} are there, among {len(written)} projections."
    if left_out:
        message = " ".join(f"{missing.name} is left out: {missing.reason}" for missing in left_out)
    rows = pl.DataFrame(
        [(missing.name, missing.reason) for missing in left_out],
        schema={"name": pl.String, "reason": pl.String},
        orient="row",
    )
    holds = not left_out and there >= set(COMPUTED)
    figures = {"n_projections": len(written), "n_left_out": len(left_out)}
    return Finding("projections_are_complete", holds, message, figures, rows)
