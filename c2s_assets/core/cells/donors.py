"""Who is a donor: one person or animal that can be told from others."""

import polars as pl

# Ids that stand for "we do not know who": cells that share one may come from different people.
INDISTINCT_DONORS = frozenset({"", "unknown", "pooled", "na", "n/a", "nan", "none"})


def is_indistinct(donor_ids: pl.Series) -> pl.Series:
    """Whether each id is missing or stands for "we do not know who"."""
    return donor_ids.fill_null("").str.strip_chars().str.to_lowercase().is_in(sorted(INDISTINCT_DONORS))
