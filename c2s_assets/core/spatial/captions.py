"""Captions of cells: each clause says one fact, and none says what a pathologist would have to stand behind.

A disease is called a label of the dataset, communication is called inferred, and a nucleus is compared with
those of its section. What is not known is not said.
"""

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import polars as pl

from c2s_assets.core.columns import CELL_TYPE, ORGANISM
from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.roles import Reach

CAPTION_SOURCE = "template-v1"

# Of a nucleus, how many times longer than wide it is.
_ROUND, _OVAL = 1.3, 1.8
_THIRDS = (1 / 3, 2 / 3)
_SIZE, _STAIN = "nucleus_size", "nucleus_stained"

# Clauses that could stand in a caption that must not give the type away; the last are the first to go.
OF_BLIND = ("where", "disease", "nucleus", "crowding")
_OF_ALL = ("where", "type", "disease", "state", "nucleus", "crowding", "neighbours", "signals")


def compare_nuclei(facts: pl.DataFrame) -> pl.DataFrame:
    """Add how each nucleus compares with those of its section, all of whose cells `facts` must have."""
    return facts.with_columns(
        _third(c.NUCLEUS_AREA_UM2, ("small", "of medium size", "large")).alias(_SIZE),
        _third(c.NUCLEUS_STAIN, ("palely", "moderately", "darkly")).alias(_STAIN),
    )


def write_captions(facts: pl.DataFrame, *, unit: str, reach: Reach, blind: Collection[str]) -> pl.DataFrame:
    """Write `caption`, of all that is known of a cell, and `caption_blind`, of the clauses named.

    Parameters
    ----------
    facts
        Columns of `cell_attributes` and of `captions`, and what `compare_nuclei` adds; of any cells.
    unit
        What a row is: cell, spot, bin or bead.
    """
    clauses = _clauses(unit, reach)
    return facts.select(
        _joined(clauses[name] for name in _OF_ALL).alias(c.CAPTION),
        _joined(_blind(clauses, unit, chosen=blind)).alias(c.CAPTION_BLIND),
    )


def _joined(clauses: Iterable[pl.Expr]) -> pl.Expr:
    return pl.concat_str(list(clauses), separator=" ", ignore_nulls=True)


def _blind(clauses: Mapping[str, pl.Expr], unit: str, *, chosen: Collection[str]) -> list[pl.Expr]:
    subject = [] if "where" in chosen else [pl.lit(f"A {unit} of a tissue.")]
    return [*subject, *(clauses[name] for name in OF_BLIND if name in chosen)]


def _clauses(unit: str, reach: Reach) -> dict[str, pl.Expr]:
    return {
        "where": _where(unit),
        "type": pl.format("Its type is {}.", CELL_TYPE),
        "disease": pl.format("Disease label of the dataset: {}.", c.TISSUE_DISEASE_STATE),
        "state": pl.format("State of the cell: {}.", c.CELL_DISEASE_STATE),
        "nucleus": _nucleus(),
        "crowding": _crowding(unit, reach),
        "neighbours": pl.format("The nearest are mostly {}.", _listed(c.NEIGHBOUR_TYPES)),
        "signals": pl.format(
            "Strongest signals that it receives, inferred from expression: {}.", _listed(c.STRONGEST_PAIRS)
        ),
    }


def _where(unit: str) -> pl.Expr:
    parts = [pl.lit(f"A {unit}")]
    for text, name in (("in {}", c.TISSUE), ("of {}", ORGANISM), ("measured by {}", c.ST_TECHNOLOGY)):
        parts.append(pl.format(text, name))
    return pl.format("{}.", _joined(parts))


def _nucleus() -> pl.Expr:
    elongation = pl.col(c.NUCLEUS_ELONGATION)
    shape = (
        pl.when(elongation < _ROUND)
        .then(pl.lit("round"))
        .when(elongation < _OVAL)
        .then(pl.lit("oval"))
        .when(elongation.is_not_null())
        .then(pl.lit("elongated"))
    )
    return pl.format(
        "Its nucleus is {} for this section ({} um2), {}, and stains {}.",
        _SIZE,
        pl.col(c.NUCLEUS_AREA_UM2).round().cast(pl.Int32),
        shape,
        _STAIN,
    )


def _crowding(unit: str, reach: Reach) -> pl.Expr:
    return pl.format(
        f"{{}} {unit}s lie within {reach.radius_um:.0f} um of it ({{}} per mm2).",
        c.N_NEIGHBOURS,
        pl.col(c.DENSITY_PER_MM2).round().cast(pl.Int32),
    )


def _third(name: str, words: tuple[str, str, str]) -> pl.Expr:
    value = pl.col(name)
    low, high = (value.quantile(share).over(c.SECTION) for share in _THIRDS)
    low_word, middle, high_word = (pl.lit(word) for word in words)
    return (
        pl.when(value <= low)
        .then(low_word)
        .when(value <= high)
        .then(middle)
        .when(value.is_not_null())
        .then(high_word)
    )


def _listed(name: str) -> pl.Expr:
    return pl.when(pl.col(name).list.len() > 0).then(pl.col(name).list.join(", "))


def density_of(n_neighbours: pl.Series, *, reach: Reach) -> pl.Series:
    """Return how many cells there are per square millimetre around each."""
    area_mm2 = np.pi * (reach.radius_um / 1_000) ** 2
    return (n_neighbours / area_mm2).cast(pl.Float32).alias(c.DENSITY_PER_MM2)
