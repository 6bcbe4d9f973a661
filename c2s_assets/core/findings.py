"""What a check found: a claim, whether it holds, and the figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes
    ----------
    claim
        Name of the check, a sentence that can be false: ``no_donor_in_both_splits``.
    holds
        Whether it is true of this dataset.
    message
        What was found and, if the claim does not hold, what to do.
    figures
        Numbers and short texts that support it.
    rows
        Rows that break the claim, for a person to look at; the first twenty are shown.
    """

    claim: str
    holds: bool
    message: str
    figures: Mapping[str, int | float | str] = field(default_factory=dict)
    rows: pl.DataFrame | None = None
