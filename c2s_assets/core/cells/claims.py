"""Claims about the cells of a dataset: their ids, donors and ages."""

from collections.abc import Sequence

import polars as pl

from c2s_assets.core.ages.columns import AgeColumn
from c2s_assets.core.cells.donors import N_CELLS, doubtful_donors
from c2s_assets.core.columns import (
    AGE,
    AGE_HIGH,
    AGE_LOW,
    AGE_METHOD,
    CELL_ID,
    DONOR_ID,
    HAS_KNOWN_DONOR,
    LIFE_STAGE,
)
from c2s_assets.core.findings import Finding

_IN_THE_ENTRY = "in the dataset's entry of datasets.yaml"
_HOW_AGES_ARE_WRITTEN = (
    "An age is a number in age_unit, or text such as '45 years', '3m', 'P60', '20-29', '[20,30)' or "
    "'85 and over'."
)
_N_LISTED = 5


def cell_ids_are_unique(cells: pl.DataFrame) -> Finding:
    """Claim that a cell id names one cell."""
    repeated = cells.group_by(CELL_ID, maintain_order=True).len("n_cells").filter(pl.col("n_cells") > 1)
    message = f"All {cells.height:,} cell ids are different."
    if repeated.height:
        message = (
            f"{repeated.height:,} cell ids stand for several cells, the first is {repeated[CELL_ID][0]!r}. "
            f"Make the index of obs unique (adata.obs_names_make_unique()) and add the file again."
        )
    return Finding(
        "cell_ids_are_unique", repeated.is_empty(), message, {"n_repeated": repeated.height}, repeated
    )


def donors_are_known(
    cells: pl.DataFrame,
    *,
    column: str | None = None,
    unread: str | None = None,
    candidates: Sequence[str] = (),
) -> Finding:
    """Claim that every cell has a donor who can be told from others.

    Parameters
    ----------
    cells
        `donor_id`, `has_known_donor`.
    column
        The obs column that names the donors.
    unread
        Why the one that names them cannot be read.
    candidates
        Others that may name them, see `donor_candidates`.
    """
    donors = _count_cells(cells)
    unknown = donors.filter(~pl.col(HAS_KNOWN_DONOR))
    n_unknown = int(unknown["n_cells"].sum())
    message = f"{donors.height:,} donors, every cell has one."
    if n_unknown:
        effect = _without_donors(cells, unread=unread)
        other = f"another name than {column!r}" if column else "another name"
        advice = (
            f"obs has {', '.join(candidates[:_N_LISTED])}: give the one that names the donors as donor_column"
            if candidates
            else f"If obs has a donor column under {other}, give it as donor_column"
        )
        message = (
            f"{n_unknown:,} of {cells.height:,} cells have no donor that can be told from others. "
            f"{effect} {advice} {_IN_THE_ENTRY}."
        )
    figures = {"n_donors": donors.height - unknown.height, "n_cells_without_donor": n_unknown}
    return Finding("donors_are_known", n_unknown == 0, message, figures, unknown.select(DONOR_ID, N_CELLS))


def _without_donors(cells: pl.DataFrame, *, unread: str | None) -> str:
    if unread is not None:
        return f"The column {DONOR_ID!r} cannot be read, so nothing is split: {unread}"
    if cells[DONOR_ID].is_null().all():
        return "The dataset names no donors, so single cells are split."
    return "They are only used for training."


def donors_are_no_outcomes(cells: pl.DataFrame) -> Finding:
    """Claim that no donor of few cells reads like an outcome of demultiplexing."""
    doubtful = doubtful_donors(_count_cells(cells))
    n_cells = int(doubtful[N_CELLS].sum())
    message = "No donor reads like an outcome of demultiplexing."
    if doubtful.height:
        listed = ", ".join(
            f"{donor!r} ({n:,} cells)"
            for donor, n in doubtful.select(DONOR_ID, N_CELLS).head(_N_LISTED).iter_rows()
        )
        message = (
            f"{doubtful.height:,} donors may be no people but outcomes of demultiplexing: {listed}. Each is "
            f"taken for a donor, who can be in test. If it is none, set it to 'unknown' in obs and add the "
            f"file again; its cells are then used for training only."
        )
    figures = {"n_doubtful": doubtful.height, "n_cells_of_doubtful": n_cells}
    return Finding(
        "donors_are_no_outcomes", doubtful.is_empty(), message, figures, doubtful.select(DONOR_ID, N_CELLS)
    )


def ages_are_known(
    cells: pl.DataFrame, *, columns: Sequence[AgeColumn] = (), candidates: Sequence[str] = ()
) -> Finding:
    """Claim that every cell born has an age, or an interval for it.

    Parameters
    ----------
    cells
        `age`, `age_low`, `age_high`, `age_method`, `life_stage`.
    columns
        The obs columns of ages and age groups that are read.
    candidates
        Others that may hold ages, see `age_candidates`.
    """
    has_age = pl.col(AGE).is_not_null()
    has_interval = pl.col(AGE_LOW).is_not_null() | pl.col(AGE_HIGH).is_not_null()
    is_prenatal = pl.col(LIFE_STAGE) == "prenatal"
    counts = cells.select(
        n_with_age=has_age.sum(),
        n_with_interval_only=(has_interval & ~has_age).sum(),
        n_prenatal=is_prenatal.sum(),
        n_unknown=(~has_age & ~has_interval & ~is_prenatal).sum(),
    ).row(0, named=True)
    n_unknown = counts["n_unknown"]
    message = f"{counts['n_with_age']:,} of {cells.height:,} cells have an age."
    if n_unknown:
        advice = _ages_not_read(columns, candidates)
        message += f" {n_unknown:,} have neither age nor interval. {advice}"
    methods = cells.group_by(AGE_METHOD, maintain_order=True).len("n_cells")
    figures = {"frac_with_age": counts["n_with_age"] / max(cells.height, 1), **counts}
    return Finding("ages_are_known", n_unknown == 0, message, figures, methods)


def _ages_not_read(columns: Sequence[AgeColumn], candidates: Sequence[str]) -> str:
    """Say what could not be read, and what may hold ages besides the columns that are read already."""
    said = [_not_read(column) for column in columns if column.unread.height]
    if said:
        said.append(_HOW_AGES_ARE_WRITTEN)
    if candidates:
        said.append(
            f"obs has {'; '.join(candidates[:_N_LISTED])}: if it holds ages, give it as age_column with its "
            f"age_unit, or as age_group_column, {_IN_THE_ENTRY}."
        )
    elif not said:
        read = " and ".join(repr(column.name) for column in columns)
        other = f"another name than {read}" if read else "another name"
        said.append(
            f"If obs holds ages under {other}, give it as age_column or age_group_column {_IN_THE_ENTRY}."
        )
    return " ".join(said)


def _not_read(column: AgeColumn) -> str:
    listed = [f"{str(value)!r} ({n:,} cells)" for value, n in column.unread.head(_N_LISTED).iter_rows()]
    n_more = column.unread.height - len(listed)
    more = f" and {n_more:,} more" if n_more > 0 else ""
    return f"Column {column.name!r} holds {', '.join(listed)}{more}, which cannot be read as ages."


def _count_cells(cells: pl.DataFrame) -> pl.DataFrame:
    """One row per donor, in order: `donor_id`, `has_known_donor`, `n_cells`."""
    return cells.group_by(DONOR_ID, HAS_KNOWN_DONOR, maintain_order=True).len(N_CELLS)
