"""What lies around a cell: the types of those that are nearest, and the pairs by which it hears most."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.sample import SpatialSample

N_NEAREST = 10
_MOST_NAMED = 3


def nearest_types(sample: SpatialSample, types: pl.Series) -> pl.DataFrame:
    """Tell which types the ten nearest cells of a section are, the most frequent first.

    Parameters
    ----------
    types
        Cell type of each cell of the sample; null ones count as none.

    Returns
    -------
    `neighbour_types` and `neighbour_fracs`, at most three of each, one row per cell of the sample; empty if
    none of a known type is within reach.
    """
    places = sample.places_apart(sample.reach.radius_um)
    n = len(places)
    distance, near = cKDTree(places).query(
        places, k=min(N_NEAREST + 1, n), distance_upper_bound=sample.reach.radius_um
    )
    row = np.repeat(np.arange(n), near.shape[1]) if near.ndim > 1 else np.arange(n)
    is_other = np.isfinite(distance.ravel()) & (near.ravel() != row)
    found = pl.DataFrame({"row": row[is_other], "type": types.gather(near.ravel()[is_other])}).drop_nulls()
    counted = (
        found.group_by("row", "type")
        .len("n")
        .with_columns((pl.col("n") / pl.col("n").sum().over("row")).cast(pl.Float32).alias("frac"))
        .sort("row", "n", "type", descending=[False, True, False])
        .group_by("row", maintain_order=True)
        .agg(
            pl.col("type").head(_MOST_NAMED).alias(c.NEIGHBOUR_TYPES),
            pl.col("frac").head(_MOST_NAMED).alias(c.NEIGHBOUR_FRACS),
        )
    )
    rows = pl.DataFrame({"row": pl.int_range(n, eager=True)})
    return rows.join(counted, on="row", how="left", maintain_order="left").select(
        pl.col(c.NEIGHBOUR_TYPES).fill_null(pl.lit([], pl.List(pl.String))),
        pl.col(c.NEIGHBOUR_FRACS).fill_null(pl.lit([], pl.List(pl.Float32))),
    )


def strongest_pairs(heard: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """Name the pairs by which each cell hears most, at most three, the strongest first.

    Parameters
    ----------
    heard
        `received_pair_index` and `received`, one row per cell.
    names
        Of the pairs, by their index.
    """
    found: list[list[str] | None] = []
    for pairs, amounts in zip(heard[c.RECEIVED_PAIR_INDEX], heard[c.RECEIVED], strict=True):
        if pairs is None:
            found.append(None)
            continue
        strongest = np.argsort(-amounts.to_numpy(), kind="stable")[:_MOST_NAMED]
        found.append([names[pair] for pair in pairs.to_numpy()[strongest]])
    return pl.Series(c.STRONGEST_PAIRS, found, dtype=pl.List(pl.String))
