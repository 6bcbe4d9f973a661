"""Cells of a side for tests of prompts."""

from typing import Any

import polars as pl


def some_cells(n_obs: int = 12, *, n_genes: int = 6, **columns: Any) -> pl.DataFrame:
    """Make cells of two donors with sentences of so many genes; columns replace those that are there."""
    sentences = [" ".join(f"G{(cell + place) % 50}" for place in range(n_genes)) for cell in range(n_obs)]
    known = {
        "cell_id": [f"cell{number}" for number in range(n_obs)],
        "cell_sentence": sentences,
        "donor_uid": [f"toy/F4{number % 2}" for number in range(n_obs)],
        "has_known_donor": True,
        "organism": "Homo sapiens",
        "cell_type": "alpha-beta T cell",
        "tissue": "lung",
        "disease": "normal",
        "sex": "female",
        "age_low": 34.0,
        "age_high": 35.0,
    }
    cells = pl.DataFrame(known | columns)
    return cells.with_columns(pl.col("age_low", "age_high").cast(pl.Float32))
