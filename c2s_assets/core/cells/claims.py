"""Claims about the cells of a dataset: their ids, donors and ages."""

import polars as pl

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

_NAME_THE_AGES = (
    "If obs holds ages under another name, give it as age_column or age_group_column in the dataset's entry "
    "of datasets.yaml."
)


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


def donors_are_known(cells: pl.DataFrame) -> Finding:
    """Claim that every cell has a donor who can be told from others."""
    donors = _count_cells(cells)
    unknown = donors.filter(~pl.col(HAS_KNOWN_DONOR))
    n_unknown = int(unknown["n_cells"].sum())
    message = f"{donors.height:,} donors, every cell has one."
    if n_unknown:
        effect = (
            "The dataset names no donors, so single cells are split"
            if cells[DONOR_ID].is_null().all()
            else "They are only used for training"
        )
        message = (
            f"{n_unknown:,} of {cells.height:,} cells have no donor that can be told from others. "
            f"{effect}. If obs has a donor column under another name, give it as donor_column in the "
            f"dataset's entry of datasets.yaml."
        )
    figures = {"n_donors": donors.height - unknown.height, "n_cells_without_donor": n_unknown}
    return Finding("donors_are_known", n_unknown == 0, message, figures, unknown.select(DONOR_ID, N_CELLS))


def donors_are_no_outcomes(cells: pl.DataFrame) -> Finding:
    """Claim that no donor of few cells reads like an outcome of demultiplexing."""
    doubtful = doubtful_donors(_count_cells(cells))
    n_cells = int(doubtful[N_CELLS].sum())
    message = "No donor reads like an outcome of demultiplexing."
    if doubtful.height:
        listed = ", ".join(
            f"{donor!r} ({n:,} cells)" for donor, n in doubtful.select(DONOR_ID, N_CELLS).head(5).iter_rows()
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


def ages_are_known(cells: pl.DataFrame) -> Finding:
    """Claim that every cell born has an age, or an interval for it."""
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
        message += f" {n_unknown:,} have neither age nor interval. {_NAME_THE_AGES}"
    methods = cells.group_by(AGE_METHOD, maintain_order=True).len("n_cells")
    figures = {"frac_with_age": counts["n_with_age"] / max(cells.height, 1), **counts}
    return Finding("ages_are_known", n_unknown == 0, message, figures, methods)


def _count_cells(cells: pl.DataFrame) -> pl.DataFrame:
    """One row per donor, in order: `donor_id`, `has_known_donor`, `n_cells`."""
    return cells.group_by(DONOR_ID, HAS_KNOWN_DONOR, maintain_order=True).len(N_CELLS)
