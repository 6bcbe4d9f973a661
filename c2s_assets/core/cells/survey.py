"""What is decided from whole columns of obs, before its cells are described block by block."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from c2s_assets.core.ages.columns import AgeColumn, read_age_column
from c2s_assets.core.ages.grammar import parse_age
from c2s_assets.core.cells.donors import LABEL, donor_labels, name_donors
from c2s_assets.core.cells.organisms import organism_names
from c2s_assets.core.cells.sources import Sources, find_sources
from c2s_assets.core.columns import DONOR_ID, ORGANISM
from c2s_assets.core.settings import DatasetEntry

_HUMAN = "Homo sapiens"

ReadColumn = Callable[[str], pl.Series]


@dataclass(frozen=True)
class ObsSurvey:
    """Where each fact is read, and how the labels of whole columns are read.

    Parameters
    ----------
    sources
        The obs columns that are read.
    donors
        From `name_donors`; without rows where obs names no donors.
    kept
        Columns of obs that are kept although ours has their name, because some value of ours is not theirs.
    age, age_group
        How their columns are read; None where there is none.
    is_age_asked
        Whether the owner, or the name of its column, says that the age stands there.
    """

    sources: Sources
    donors: pl.DataFrame
    kept: frozenset[str]
    age: AgeColumn | None = None
    age_group: AgeColumn | None = None
    is_age_asked: bool = True


def survey_cells(
    names: Sequence[str], read: ReadColumn, *, entry: DatasetEntry, organism: str | None = None
) -> ObsSurvey:
    """Read the columns that are to be judged as a whole, one after the other.

    Parameters
    ----------
    names
        The columns of obs that can be read.
    read
        Reads one of them.
    organism
        The organism that is stated for all cells, if any.

    Raises
    ------
    MissingColumnError
        If `datasets.yaml` names a column that obs does not have.
    """
    sources = find_sources(names, entry)
    labels = pl.Series([], dtype=pl.String) if sources.donor is None else donor_labels(read(sources.donor))
    donors = name_donors(labels)
    kept = set()
    if donors[LABEL].ne_missing(donors[DONOR_ID]).any():
        kept.add(DONOR_ID)
    if ORGANISM in sources.organism and _are_renamed(read(ORGANISM)):
        kept.add(ORGANISM)
    survey = ObsSurvey(sources=sources, donors=donors, kept=frozenset(kept))
    return _with_ages(survey, read, entry=entry, organism=organism)


def _with_ages(
    survey: ObsSurvey, read: ReadColumn, *, entry: DatasetEntry, organism: str | None
) -> ObsSurvey:
    sources, unasked = survey.sources, survey.sources.age_if_it_says_units
    age = group = None
    if sources.age is not None:
        unit = entry.age_unit if entry.age_column else "years"
        age = read_age_column(read(sources.age), name=sources.age, unit=unit)
    elif unasked is not None:
        labels = read(unasked)
        if _says_units(labels, is_human=_has_people(sources, read, organism)):
            age = read_age_column(labels, name=unasked, unit=None)
            sources = replace(sources, age=unasked)
    if sources.age_group is not None:
        group = read_age_column(read(sources.age_group), name=sources.age_group, unit="years")
    is_asked = survey.sources.age is not None
    return replace(survey, sources=sources, age=age, age_group=group, is_age_asked=is_asked)


def _has_people(sources: Sources, read: ReadColumn, organism: str | None) -> bool:
    stated = pl.Series([organism], dtype=pl.String)
    return any((organism_names(of) == _HUMAN).any() for of in (stated, *map(read, sources.organism)))


def _says_units(ages: pl.Series, *, is_human: bool) -> bool:
    """Whether texts are ages that name their unit; but for weeks of people, often those of a fetus."""
    if ages.dtype != pl.String:
        return False
    said = [parse_age(label, unit=None) for label in ages.drop_nulls().unique()]
    units = {one.unit for one in said if one is not None}
    return bool(units) and not (is_human and "weeks" in units)


def _are_renamed(organisms: pl.Series) -> bool:
    return organisms.cast(pl.String).ne_missing(organism_names(organisms)).any()
