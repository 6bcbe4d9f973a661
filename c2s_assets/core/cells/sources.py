"""Which obs column says what of a cell."""

from collections.abc import Sequence
from dataclasses import dataclass

from c2s_assets.core.columns import CELL_TYPE, DEVELOPMENT_STAGE, DEVELOPMENT_STAGE_ID, DONOR_ID, ORGANISM
from c2s_assets.core.errors import MissingColumnError
from c2s_assets.core.settings import DatasetEntry

# A column of numbers is only trusted unasked if its name gives the unit: in fetal data `age` is often weeks.
_AGE_IN_YEARS = "age_years"
_AGE = "age"
_AGE_GROUP = "age_group"
# Whoever does not follow CELLxGENE writes species; a label is asked before a taxon.
_ORGANISMS = (ORGANISM, f"{ORGANISM}_ontology_term_id", "species")


@dataclass(frozen=True)
class Sources:
    """Names of the obs columns that are read; None, or nothing, where there is no such column.

    `age_if_it_says_units` holds ages only if its labels name their unit, because nobody said what it holds.
    """

    donor: str | None = None
    organism: tuple[str, ...] = ()
    age: str | None = None
    age_if_it_says_units: str | None = None
    age_group: str | None = None
    stage: str | None = None
    stage_id: str | None = None
    cell_type: str | None = None

    @property
    def used(self) -> frozenset[str]:
        """All columns that are read for donors and ages."""
        return frozenset(name for name in (self.donor, *self.of_age) if name is not None)

    @property
    def of_age(self) -> tuple[str, ...]:
        """All columns that an age can come from."""
        return tuple(n for n in (self.age, self.stage, self.stage_id, self.age_group) if n is not None)


def find_sources(names: Sequence[str], entry: DatasetEntry) -> Sources:
    """Find the columns that the owner names and, of the rest, those whose name says what they hold.

    Raises
    ------
    MissingColumnError
        If `datasets.yaml` names a column that is not among `names`.
    """

    def find(wanted: str | None, key: str, *, default: str) -> str | None:
        if wanted is not None and wanted not in names:
            raise MissingColumnError(
                f"obs has no column {wanted!r}, which datasets.yaml names as {key}. It has: "
                f"{', '.join(names) or 'none'}. Correct the entry or leave it out."
            )
        return wanted or (default if default in names else None)

    age = find(entry.age_column, "age_column", default=_AGE_IN_YEARS)
    return Sources(
        donor=find(entry.donor_column, "donor_column", default=DONOR_ID),
        organism=tuple(name for name in _ORGANISMS if name in names),
        age=age,
        age_if_it_says_units=next((n for n in names if age is None and n.casefold() == _AGE), None),
        age_group=find(entry.age_group_column, "age_group_column", default=_AGE_GROUP),
        stage=find(None, "", default=DEVELOPMENT_STAGE),
        stage_id=find(None, "", default=DEVELOPMENT_STAGE_ID),
        cell_type=find(entry.cell_type_column, "cell_type_column", default=CELL_TYPE),
    )
