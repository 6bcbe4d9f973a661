"""What lies around a cell: the types of those that are nearest, and the pairs by which it hears most."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

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
    from scipy.spatial import cKDTree  # noqa: PLC0415  a tenth of a second, of every process

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
    received = heard[c.RECEIVED]
    bounds = np.concatenate([[0], received.list.len().fill_null(0).cum_sum().to_numpy()]).astype(np.int64)
    pairs, amounts = (
        heard[name].explode().drop_nulls().to_numpy() for name in (c.RECEIVED_PAIR_INDEX, c.RECEIVED)
    )
    chosen = _strongest(bounds, amounts)
    is_chosen = chosen >= 0
    named = pl.Series(names, dtype=pl.String).gather(pairs[chosen[is_chosen]]).to_arrow()
    offsets = np.concatenate([[0], np.cumsum(is_chosen.sum(axis=1))]).astype(np.int32)
    lists = pa.ListArray.from_arrays(
        pa.array(offsets), named.cast(pa.string()), mask=pa.array(received.is_null().to_numpy())
    )
    return pl.Series(c.STRONGEST_PAIRS, lists, dtype=pl.List(pl.String))


@njit(cache=True, nogil=True)
def _strongest(bounds: NDArray[np.int64], amounts: NDArray[np.float32]) -> NDArray[np.int64]:
    """Find the largest amounts of each row, the largest first; -1 where there are fewer."""
    chosen = np.full((bounds.size - 1, _MOST_NAMED), -1, np.int64)
    for row in range(bounds.size - 1):
        of_row = chosen[row]
        for entry in range(bounds[row], bounds[row + 1]):
            place = _MOST_NAMED
            while place > 0 and (of_row[place - 1] < 0 or amounts[entry] > amounts[of_row[place - 1]]):
                place -= 1
            for later in range(_MOST_NAMED - 1, place, -1):
                of_row[later] = of_row[later - 1]
            if place < _MOST_NAMED:
                of_row[place] = entry
    return chosen
