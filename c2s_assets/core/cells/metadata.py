"""One row per cell: the source's own columns, and the ones that every dataset has."""

from collections.abc import Iterable

import polars as pl

from c2s_assets.core.ages.columns import AgeColumn
from c2s_assets.core.ages.reading import parse_ages
from c2s_assets.core.cells.curated import CURATED_COLUMNS
from c2s_assets.core.cells.donors import donor_labels, name_cells, name_donors
from c2s_assets.core.cells.flags import read_flags
from c2s_assets.core.cells.labels import MEMBER_LISTS, with_member_lists
from c2s_assets.core.cells.organisms import organism_name, organism_names
from c2s_assets.core.cells.survey import ObsSurvey
from c2s_assets.core.columns import (
    AGE,
    AGE_HIGH,
    AGE_LOW,
    AGE_METHOD,
    CELL_ID,
    CELL_TYPE,
    DATASET_ID,
    DONOR_ID,
    DONOR_UID,
    HAS_KNOWN_DONOR,
    IS_PRIMARY_DATA,
    LIFE_STAGE,
    ORGANISM,
    PERTURBATION,
    PERTURBATION_STRATEGY,
    RESERVED_NAMES,
    SEX,
    TISSUE_TYPE,
    names_beside,
)
from c2s_assets.core.settings import DatasetEntry

ADDED_COLUMNS = (
    CELL_ID,
    DATASET_ID,
    DONOR_ID,
    DONOR_UID,
    HAS_KNOWN_DONOR,
    ORGANISM,
    AGE,
    AGE_LOW,
    AGE_HIGH,
    AGE_METHOD,
    LIFE_STAGE,
    IS_PRIMARY_DATA,
)
# What a split is made of, and what it asks besides where the source says it.
_ALWAYS_SPLIT_BY = (CELL_ID, DONOR_ID, DONOR_UID, HAS_KNOWN_DONOR, AGE, IS_PRIMARY_DATA, SEX)
_SPLIT_BY_IF_THERE = (TISSUE_TYPE, PERTURBATION, PERTURBATION_STRATEGY)
SPLIT_COLUMNS = (*_ALWAYS_SPLIT_BY, *_SPLIT_BY_IF_THERE)


def describe_cells(
    cell_ids: pl.Series,
    obs: pl.DataFrame,
    *,
    survey: ObsSurvey,
    dataset_id: str,
    entry: DatasetEntry,
    organism: str | None = None,
    collection_id: str | None = None,
) -> pl.DataFrame:
    """Add donor, organism, age and whether it is primary data to the columns of `obs`.

    Parameters
    ----------
    cell_ids
        The index of obs, or a stretch of it.
    obs
        The file's own columns, one row per cell; none at all is fine.
    survey
        Of the whole obs, from `survey_cells`.
    organism
        The organism that the file states for all its cells.
    collection_id
        Where known, makes `donor_uid` agree between datasets of one collection.

    Returns
    -------
    `ADDED_COLUMNS`, then the file's own columns under the names that `own_names` gives them, but for those
    whose values ours have all. Where the owner names the column of the cell type and `obs` has no
    `cell_type`, its values stand under that name too, and behind all the lists of `MEMBER_LISTS`.
    """
    donors = _donors(obs, survey, len(cell_ids))
    organisms = _organisms(obs, survey, stated=organism or entry.organism, n_obs=len(cell_ids))
    ages = _ages(obs, survey, organisms)
    added = pl.DataFrame(
        [cell_ids.alias(CELL_ID), *donors, organisms, *ages, _is_primary(obs, len(cell_ids))]
    )
    described = added.with_columns(
        pl.lit(dataset_id).alias(DATASET_ID),
        pl.format("{}/{}", pl.lit(collection_id or dataset_id), DONOR_ID).alias(DONOR_UID),
    ).select(ADDED_COLUMNS)
    further = obs.rename(named := own_names(obs.columns)).drop(
        named[name] for name in _shown_as_they_are(obs, survey)
    )
    cell_type = survey.sources.cell_type
    if cell_type is not None and CELL_TYPE not in obs.columns:
        further = further.with_columns(obs[cell_type].cast(pl.String).alias(CELL_TYPE))
    return pl.DataFrame([*described, *with_member_lists(further)])


def own_names(names: Iterable[str]) -> dict[str, str]:
    """Name each obs column as it is called in `cell_metadata`; see `names_beside`.

    `Sex` is `Sex_in_source`, also where there is no `sex`: the name stands for the curated column alone.
    """
    taken = (*ADDED_COLUMNS, *MEMBER_LISTS.values(), *RESERVED_NAMES)
    return names_beside(names, taken=taken, curated=CURATED_COLUMNS)


def split_columns(cells: pl.DataFrame) -> pl.DataFrame:
    """Select what a split is made of: those of `SPLIT_COLUMNS` that `cell_metadata` always has, or has here.

    A table that was written before cells said whether their donor is known is judged as a whole now, and its
    `is_primary_data` may still be as the source wrote it, or missing.
    """
    columns = [*cells.select(CELL_ID, DONOR_ID, DONOR_UID, AGE), _is_primary(cells, cells.height)]
    is_known = (
        cells[HAS_KNOWN_DONOR]
        if HAS_KNOWN_DONOR in cells.columns
        else name_cells(cells[DONOR_ID], name_donors(cells[DONOR_ID]))[HAS_KNOWN_DONOR]
    )
    sex = cells[SEX].cast(pl.String) if SEX in cells.columns else _nothing(cells.height).alias(SEX)
    further = [cells[name].cast(pl.String) for name in _SPLIT_BY_IF_THERE if name in cells.columns]
    return pl.DataFrame([*columns, is_known, sex]).select(_ALWAYS_SPLIT_BY).hstack(further)


def _donors(obs: pl.DataFrame, survey: ObsSurvey, n_obs: int) -> pl.DataFrame:
    source = survey.sources.donor
    labels = _nothing(n_obs) if source is None else donor_labels(obs[source])
    return name_cells(labels, survey.donors)


def _organisms(obs: pl.DataFrame, survey: ObsSurvey, *, stated: str | None, n_obs: int) -> pl.Series:
    """Read the first column that knows it, else what is stated for the file."""
    found = [organism_names(obs[name]) for name in survey.sources.organism]
    of_file = organism_name(stated) if stated is not None else None
    candidates = pl.DataFrame([_nothing(n_obs), *(column.alias(str(i)) for i, column in enumerate(found))])
    return candidates.select(pl.coalesce(pl.all(), pl.lit(of_file, pl.String)).alias(ORGANISM))[ORGANISM]


def _ages(obs: pl.DataFrame, survey: ObsSurvey, organisms: pl.Series) -> pl.DataFrame:
    def column(name: str | None) -> pl.Series | None:
        return None if name is None else obs[name]

    def intervals(ages: AgeColumn | None) -> pl.Series | None:
        return None if ages is None else ages.intervals(obs[ages.name])

    sources = survey.sources
    return parse_ages(
        organisms.len(),
        age=intervals(survey.age),
        stage=column(sources.stage),
        stage_id=column(sources.stage_id),
        age_group=intervals(survey.age_group),
        organism=organisms,
        stage_first=not survey.is_age_asked,
    )


def _is_primary(obs: pl.DataFrame, n_obs: int) -> pl.Series:
    flags = read_flags(obs[IS_PRIMARY_DATA]) if IS_PRIMARY_DATA in obs.columns else _nothing(n_obs)
    return flags.cast(pl.Boolean).alias(IS_PRIMARY_DATA)


def _shown_as_they_are(obs: pl.DataFrame, survey: ObsSurvey) -> set[str]:
    """Name the columns of obs whose values ours have all, so that they need not stand beside them."""
    shown = {
        name for name in (survey.sources.donor, *survey.sources.organism) if name in (DONOR_ID, ORGANISM)
    }
    if obs.schema.get(IS_PRIMARY_DATA) == pl.Boolean:
        shown.add(IS_PRIMARY_DATA)
    return shown - survey.kept


def _nothing(n_obs: int) -> pl.Series:
    return pl.Series("", [None], pl.String).new_from_index(0, n_obs)
