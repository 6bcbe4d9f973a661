"""One row per cell: the source's own columns, and the ones that every dataset has."""

from collections.abc import Iterable, Mapping

import polars as pl

from c2s_assets.core.ages.reading import parse_ages
from c2s_assets.core.cells.curated import CURATED_COLUMNS
from c2s_assets.core.cells.provenance import ORGANISMS
from c2s_assets.core.columns import (
    AGE,
    AGE_HIGH,
    AGE_LOW,
    AGE_METHOD,
    CELL_ID,
    CELL_TYPE,
    DATASET_ID,
    DEVELOPMENT_STAGE,
    DEVELOPMENT_STAGE_ID,
    DONOR_ID,
    DONOR_UID,
    IS_PRIMARY_DATA,
    LIFE_STAGE,
    ORGANISM,
    RESERVED_NAMES,
    SEX,
    names_beside,
)
from c2s_assets.core.errors import MissingColumnError
from c2s_assets.core.settings import DatasetEntry

ADDED_COLUMNS = (
    *(CELL_ID, DATASET_ID, DONOR_ID, DONOR_UID, ORGANISM),
    *(AGE, AGE_LOW, AGE_HIGH, AGE_METHOD, LIFE_STAGE),
)

# An age column is only trusted unasked if its name gives the unit: in fetal data `age` is often weeks.
_AGE_IN_YEARS = "age_years"
_AGE_GROUP = "age_group"
_NO = ("false", "0", "0.0")


def describe_cells(
    cell_ids: pl.Series,
    obs: pl.DataFrame,
    *,
    dataset_id: str,
    entry: DatasetEntry,
    organism: str | None = None,
    collection_id: str | None = None,
) -> pl.DataFrame:
    """Add donor, organism and age to the columns of `obs`.

    Parameters
    ----------
    cell_ids
        The index of obs, or a stretch of it.
    obs
        The file's own columns, one row per cell; none at all is fine.
    organism
        The organism that the file states for all its cells.
    collection_id
        Where known, makes `donor_uid` agree between datasets of one collection.

    Returns
    -------
    `ADDED_COLUMNS`, then the file's own columns under the names that `own_names` gives them. Where the owner
    names the column of the cell type and `obs` has no `cell_type`, its values stand under that name too, at
    the end.

    Raises
    ------
    MissingColumnError
        If `datasets.yaml` names a column that `obs` does not have.
    """
    donor = _named_column(obs, entry.donor_column, "donor_column", default=DONOR_ID)
    named = own_names(obs.columns)
    rows = pl.DataFrame([cell_ids.alias(CELL_ID), *obs.rename(named)])
    added = rows.select(
        CELL_ID,
        pl.lit(dataset_id).alias(DATASET_ID),
        _donor(rows, named.get(donor or "")).alias(DONOR_ID),
        _organism(named, stated=organism or entry.organism).alias(ORGANISM),
    ).with_columns(pl.format("{}/{}", pl.lit(collection_id or dataset_id), DONOR_ID).alias(DONOR_UID))
    described = pl.DataFrame([*added, *_ages(obs, entry, added[ORGANISM])]).select(ADDED_COLUMNS)
    shown_already = {DONOR_ID, ORGANISM} & {donor, ORGANISM} & set(obs.columns)
    cell_type = _named_column(obs, entry.cell_type_column, "cell_type_column", default=CELL_TYPE)
    further = rows.drop(CELL_ID, *(named[name] for name in shown_already))
    if cell_type is not None and CELL_TYPE not in obs.columns:
        further = further.with_columns(rows[named[cell_type]].cast(pl.String).alias(CELL_TYPE))
    return pl.DataFrame([*described, *further])


def own_names(names: Iterable[str]) -> dict[str, str]:
    """Name each obs column as it is called in `cell_metadata`; see `names_beside`.

    `Sex` is `Sex_in_source`, also where there is no `sex`: the name stands for the curated column alone.
    """
    return names_beside(names, taken=(*ADDED_COLUMNS, *RESERVED_NAMES), curated=CURATED_COLUMNS)


def age_sources(entry: DatasetEntry) -> tuple[str, ...]:
    """Name the obs columns that an age can come from."""
    return (
        entry.age_column or _AGE_IN_YEARS,
        DEVELOPMENT_STAGE,
        DEVELOPMENT_STAGE_ID,
        entry.age_group_column or _AGE_GROUP,
    )


def split_columns(cells: pl.DataFrame) -> pl.DataFrame:
    """Select what a split is made of: `cell_id`, `donor_id`, `donor_uid`, `age`, `is_primary_data`, `sex`.

    A dataset without `is_primary_data` has only canonical cells. The column may hold booleans, or texts or
    numbers that stand for them; only what says no is no.
    """
    primary = (
        ~pl.col(IS_PRIMARY_DATA).cast(pl.String).str.to_lowercase().is_in(_NO)
        if IS_PRIMARY_DATA in cells.columns
        else pl.lit(True)
    )
    sex = pl.col(SEX) if SEX in cells.columns else pl.lit(None)
    return cells.select(
        *(CELL_ID, DONOR_ID, DONOR_UID, AGE), primary.alias(IS_PRIMARY_DATA), sex.cast(pl.String).alias(SEX)
    )


def _named_column(obs: pl.DataFrame, wanted: str | None, key: str, *, default: str) -> str | None:
    if wanted is None:
        return default if default in obs.columns else None
    if wanted not in obs.columns:
        raise MissingColumnError(
            f"obs has no column {wanted!r}, which datasets.yaml names as {key}. It has: "
            f"{', '.join(obs.columns) or 'none'}. Correct the entry or leave it out."
        )
    return wanted


def _donor(rows: pl.DataFrame, donor: str | None) -> pl.Expr:
    if donor is None:
        return pl.lit(None, pl.String)
    column = pl.col(donor)
    if rows.schema[donor].is_float():
        # Numbers become floats where one is missing: donor 1 is the same in a file that writes 1.0.
        return column.fill_nan(None).cast(pl.String).str.replace(r"\.0$", "")
    return column.cast(pl.String)


def _organism(named: Mapping[str, str], *, stated: str | None) -> pl.Expr:
    label, taxon = named.get(ORGANISM), named.get(f"{ORGANISM}_ontology_term_id")
    candidates = [] if label is None else [pl.col(label).cast(pl.String)]
    if taxon is not None:
        candidates.append(pl.col(taxon).cast(pl.String).replace(ORGANISMS))
    return pl.coalesce([*candidates, pl.lit(stated, pl.String)])


def _ages(obs: pl.DataFrame, entry: DatasetEntry, organism: pl.Series) -> pl.DataFrame:
    def column(name: str | None) -> pl.Series | None:
        return obs[name] if name in obs.columns else None

    age = _named_column(obs, entry.age_column, "age_column", default=_AGE_IN_YEARS)
    group = _named_column(obs, entry.age_group_column, "age_group_column", default=_AGE_GROUP)
    return parse_ages(
        organism.len(),
        age=column(age),
        age_unit=entry.age_unit if entry.age_column else "years",
        stage=column(DEVELOPMENT_STAGE),
        stage_id=column(DEVELOPMENT_STAGE_ID),
        age_group=column(group),
        organism=organism,
    )
