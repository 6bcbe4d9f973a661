"""What the words of sentences tell: how far their order is expression, and from where on chance."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import N_ABOVE_TIES, SENTENCE_LENGTH

# What a picture says of the words above the lowest ties, and of those that are ties.
IS_EXPRESSION, IS_CHANCE = "the order is expression", "the order is chance (ties)"
_MOST_PLACES = 200


def share_of_cells_by_place(
    n_above_ties: pl.Series, sentence_length: pl.Series, *, n_cells: pl.Series | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Tell in which share of the cells the word at a place is above the lowest ties, and in which is one.

    Parameters
    ----------
    n_cells
        How many cells have these two counts; one unless it is given.

    Returns
    -------
    Places from 1 to the length of the longest sentence, all or 200 of them; and for each the two shares in
    percent, shape ``(n_places, 2)``. Both are empty if no sentence has a word.
    """
    longest = int(sentence_length.max() or 0)  # type: ignore[arg-type]
    places = np.unique(np.linspace(1, longest, min(longest, _MOST_PLACES)).round().astype(np.int64))
    weights = np.ones(len(sentence_length)) if n_cells is None else n_cells.to_numpy()
    reaching = [_reaching(counts.to_numpy(), weights, places) for counts in (n_above_ties, sentence_length)]
    return places, 100 * np.column_stack(reaching) / max(weights.sum(), 1)


def _reaching(
    counts: NDArray[np.int32], weights: NDArray[np.float64], places: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Count the cells of which a count is at least so much, for each of some places."""
    order = np.argsort(counts)
    below = np.concatenate([np.zeros(1), np.cumsum(weights[order])])
    reaching: NDArray[np.float64] = below[-1] - below[np.searchsorted(counts[order], places)]
    return reaching


def describe_ties(counted: pl.DataFrame) -> dict[str, float]:
    """Give the share of all words that is ties, and the median of the words above them.

    Parameters
    ----------
    counted
        `sentence_length` and `n_above_ties` of each cell.
    """
    n_words, n_above = int(counted[SENTENCE_LENGTH].sum()), int(counted[N_ABOVE_TIES].sum())
    median = counted[N_ABOVE_TIES].median()
    return {
        "frac_words_tied": 1 - n_above / n_words if n_words else 0.0,
        "median_n_above_ties": float(median or 0),  # type: ignore[arg-type]
    }
