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
    because
        Another claim that is broken for the same cause, and says what to do about it.
    """

    claim: str
    holds: bool
    message: str
    figures: Mapping[str, int | float | str] = field(default_factory=dict)
    rows: pl.DataFrame | None = None
    because: str | None = None


def rows_match(claim: str, ids: pl.Series, expected: pl.Series, *, of: str) -> Finding:
    """Claim that a table has the rows of another, in its order."""
    if len(ids) != len(expected):
        return Finding(
            claim,
            False,
            f"{len(ids):,} rows, but {of} has {len(expected):,}. Build both again.",
            {"n_rows": len(ids), "n_expected": len(expected)},
        )
    differs = ids.ne_missing(expected)
    n_differ = int(differs.sum())
    message = f"{len(ids):,} rows in the order of {of}."
    if n_differ:
        message = f"{n_differ:,} of {len(ids):,} rows are not those of {of}. Build both again."
    rows = pl.DataFrame({"found": ids.filter(differs), "expected": expected.filter(differs)})
    return Finding(claim, n_differ == 0, message, {"n_rows": len(ids), "n_differ": n_differ}, rows)
