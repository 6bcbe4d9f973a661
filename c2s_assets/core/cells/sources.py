"""Which obs column says what of a cell."""

from collections.abc import Sequence
from dataclasses import dataclass

from c2s_assets.core.columns import CELL_TYPE, DEVELOPMENT_STAGE, DEVELOPMENT_STAGE_ID, DONOR_ID, ORGANISM
from c2s_assets.core.errors import MissingColumnError
from c2s_assets.core.settings import DatasetEntry

# An age column is only trusted unasked if its name gives the unit: in fetal data `age` is often weeks.
_AGE_IN_YEARS = "age_years"
_AGE_GROUP = "age_group"
# Whoever does not follow CELLxGENE writes species; a label is asked before a taxon.
_ORGANISMS = (ORGANISM, f"{ORGANISM}_ontology_term_id", "species")


@dataclass(frozen=True)
class Sources:
    """Names of the obs columns that are read; None, or nothing, where there is no such column."""

    donor: str | None = None
    organism: tuple[str, ...] = ()
    age: str | None = None
    age_group: str | None = None
    stage: str | None = None
    stage_id: str | None = None
    cell_type: str | None = None

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

    return Sources(
        donor=find(entry.donor_column, "donor_column", default=DONOR_ID),
        organism=tuple(name for name in _ORGANISMS if name in names),
        age=find(entry.age_column, "age_column", default=_AGE_IN_YEARS),
        age_group=find(entry.age_group_column, "age_group_column", default=_AGE_GROUP),
        stage=find(None, "", default=DEVELOPMENT_STAGE),
        stage_id=find(None, "", default=DEVELOPMENT_STAGE_ID),
        cell_type=find(entry.cell_type_column, "cell_type_column", default=CELL_TYPE),
    )
