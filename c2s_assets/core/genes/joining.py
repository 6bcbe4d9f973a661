"""Features of `raw.X` and of `X` matched, so that what only `var` says of a feature stands beside it."""

from collections.abc import Iterator
from itertools import product

import polars as pl

from c2s_assets.core.columns import INDEX_OF_VAR
from c2s_assets.core.genes.naming import NAME_COLUMNS
from c2s_assets.core.genes.var_columns import columns_called

_VERSION = r"^(ENS[A-Z]*G\d{11})\.\d+$"


def add_missing_columns(
    raw_names: pl.Series, raw_var: pl.DataFrame, var_names: pl.Series, var: pl.DataFrame
) -> pl.DataFrame:
    """Add to `raw.var` what only `var` knows of its features; null where `var` lacks a feature.

    `raw.X` often has features that `X` does not, `raw.var` often has no columns of its own, and the two may
    be indexed by different names: one by Ensembl ids, the other by symbols, or by numbers that only count the
    rows. So features are matched by whichever names of both, index or column, have most in common; between
    equals, by the indices. A name that is there twice on one side says nothing.

    Returns
    -------
    The columns of `raw_var`, then those that only `var` has, then `index_of_var` if the index of `var` was
    not what matched.
    """
    key, rows = _match(raw_names, raw_var, var_names, var)
    known = var if key is var_names else var.with_columns(var_names.alias(INDEX_OF_VAR))
    further = [name for name in known.columns if name not in raw_var.columns]
    return pl.DataFrame([*raw_var, *known.select(pl.col(further).gather(rows))])


def counts_rows(names: pl.Series) -> bool:
    """Whether names are only the numbers of their rows, from 0 or 1 on, and so name nothing."""
    return any(
        names.equals(pl.Series(names.name, map(str, range(start, start + len(names))), pl.String))
        for start in (0, 1)
    )


def _match(
    raw_names: pl.Series, raw_var: pl.DataFrame, var_names: pl.Series, var: pl.DataFrame
) -> tuple[pl.Series, pl.Series]:
    """Find by which names of `var` most features of `raw.var` are found, and the row of each, or null."""
    pairs = product(_keys(raw_names, raw_var), _keys(var_names, var))
    matches = [(key, _rows_of(names, key)) for names, key in pairs]
    best = max(
        matches, key=lambda match: match[1].count(), default=(var_names, pl.Series([], dtype=pl.UInt32))
    )
    if best[1].count():
        return best
    # Rows that are only counted are the same features if there are as many of them.
    if len(raw_names) == len(var_names):
        return var_names, _rows_of(raw_names, var_names)
    return var_names, pl.Series([None] * len(raw_names), dtype=pl.UInt32)


def _keys(index: pl.Series, var: pl.DataFrame) -> Iterator[pl.Series]:
    if not counts_rows(index):
        yield index
    yield from (var[name] for name in columns_called(NAME_COLUMNS, var))


def _rows_of(names: pl.Series, known: pl.Series) -> pl.Series:
    places = pl.DataFrame({"name": _without_version(known)}).with_row_index("row").drop_nulls("name")
    wanted = pl.DataFrame({"name": _without_version(names)})
    once = places.unique("name", keep="none")
    found = wanted.join(once, on="name", how="left", maintain_order="left")["row"]
    return found.set(wanted["name"].is_duplicated(), None)


def _without_version(names: pl.Series) -> pl.Series:
    return names.str.replace(_VERSION, "$1")
