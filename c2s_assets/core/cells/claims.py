"""Claims about the cells of a dataset: their ids, donors and ages."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from c2s_assets.core.ages.columns import AgeColumn
from c2s_assets.core.ages.lifespans import LIFESPANS, LONGEST_LIFESPAN, unit_meant
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
    ORGANISM,
)
from c2s_assets.core.findings import Finding

_IN_THE_ENTRY = "in the dataset's entry of datasets.yaml"
_HOW_AGES_ARE_WRITTEN = (
    "An age is a number in age_unit, or text such as '45 years', '3m', 'P60', '20-29', '[20,30)' or "
    "'85 and over'."
)
_N_LISTED = 5
AGES_ARE_KNOWN, DONORS_ARE_KNOWN = "ages_are_known", "donors_are_known"


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
    return Finding(DONORS_ARE_KNOWN, n_unknown == 0, message, figures, unknown.select(DONOR_ID, N_CELLS))


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
        `organism`, `age`, `age_low`, `age_high`, `age_method`, `life_stage`.
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
    if counts["n_prenatal"]:
        message += f" {counts['n_prenatal']:,} are of a stage before birth, which has none."
    if n_unknown:
        advice = _ages_not_read(columns, candidates, lifespan=_lifespan(cells))
        message += f" {n_unknown:,} have neither age nor interval. {advice}"
    if n_unknown and counts["n_with_age"]:
        message += (
            " Cells without an age are on no side, unless datasets.yaml says split: {missing_age: keep}."
        )
    methods = cells.group_by(AGE_METHOD, maintain_order=True).len("n_cells")
    figures = {"frac_with_age": counts["n_with_age"] / max(cells.height, 1), **counts}
    return Finding(AGES_ARE_KNOWN, n_unknown == 0, message, figures, methods)


def ages_are_plausible(cells: pl.DataFrame, *, columns: Sequence[AgeColumn] = ()) -> Finding:
    """Claim that no age is beyond what its organism is known to reach; see `LIFESPANS`.

    Parameters
    ----------
    cells
        `organism`, `age`, `age_low`, `age_method`.
    columns
        The obs columns of ages that are read, the one that `age_unit` is about first.
    """
    ages = cells.select(ORGANISM, AGE_METHOD, pl.coalesce(AGE, AGE_LOW).alias(AGE)).drop_nulls()
    lifespans = pl.DataFrame({ORGANISM: [*LIFESPANS], "lifespan": [float(age) for age in LIFESPANS.values()]})
    beyond = (
        ages.join(lifespans, on=ORGANISM, maintain_order="left")
        .filter(pl.col(AGE) > pl.col("lifespan"))
        .group_by(ORGANISM, AGE_METHOD, "lifespan", maintain_order=True)
        .agg(pl.len().alias(N_CELLS), pl.col(AGE).max().alias("oldest"))
    )
    n_beyond = int(beyond[N_CELLS].sum())
    message = "No age is beyond the known lifespan of its organism."
    if n_beyond:
        worst = beyond.row(0, named=True)
        message = (
            f"{n_beyond:,} of {cells.height:,} cells would be of a {worst[ORGANISM]} of up to "
            f"{worst['oldest']:,.4g} years; none is known that lived for more than {worst['lifespan']:g}. "
            f"{_unit_or_organism(worst, columns)}"
        )
    return Finding("ages_are_plausible", n_beyond == 0, message, {"n_beyond_lifespan": n_beyond}, beyond)


def _unit_or_organism(worst: Mapping[str, Any], columns: Sequence[AgeColumn]) -> str:
    """Say which setting is probably meant."""
    column = next((one for one in columns if one.unit is not None), None)
    meant = None if column is None else column.unit_meant(worst["oldest"], lifespan=worst["lifespan"])
    if column is None or meant is None or worst[AGE_METHOD] == "stage_label":
        return f"If the cells are of another organism, name it as organism {_IN_THE_ENTRY}."
    return (
        f"If column {column.name!r} holds {meant}, write age_column: {column.name} and age_unit: {meant} "
        f"{_IN_THE_ENTRY}."
    )


def _ages_not_read(columns: Sequence[AgeColumn], candidates: Sequence[str], *, lifespan: float) -> str:
    """Say what could not be read, and what may hold ages besides the columns that are read already."""
    said = [_not_read(column, lifespan=lifespan) for column in columns if column.unread.height]
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


def _lifespan(cells: pl.DataFrame) -> float:
    organisms = cells[ORGANISM].unique()
    return LIFESPANS.get(organisms[0], LONGEST_LIFESPAN) if len(organisms) == 1 else LONGEST_LIFESPAN


def _not_read(column: AgeColumn, *, lifespan: float) -> str:
    listed = [f"{str(value)!r} ({n:,} cells)" for value, n in column.unread.head(_N_LISTED).iter_rows()]
    n_more = column.unread.height - len(listed)
    more = f" and {n_more:,} more" if n_more > 0 else ""
    said = f"Column {column.name!r} holds {', '.join(listed)}{more}, which cannot be read as ages."
    largest = column.unread["value"].max() if column.unread["value"].dtype.is_numeric() else None
    meant = None if largest is None else unit_meant(float(str(largest)), lifespan=lifespan)
    if column.unit is None or meant in (None, column.unit):
        return said
    return f"{said} If they are {meant} rather than {column.unit}, write age_unit: {meant} {_IN_THE_ENTRY}."


def _count_cells(cells: pl.DataFrame) -> pl.DataFrame:
    """One row per donor, in order: `donor_id`, `has_known_donor`, `n_cells`."""
    return cells.group_by(DONOR_ID, HAS_KNOWN_DONOR, maintain_order=True).len(N_CELLS)
