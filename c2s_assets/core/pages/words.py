"""The picture of how far the order of the words in a sentence is expression, and from where on chance."""

import polars as pl

from c2s_assets.core.columns import N_ABOVE_TIES, SENTENCE_LENGTH
from c2s_assets.core.pages.drawings import areas_by_place
from c2s_assets.core.reports.palette import BLUE, GREY
from c2s_assets.core.sentences.information import IS_CHANCE, IS_EXPRESSION, share_of_cells_by_place

WORDS_AND_TIES = "Words and ties, in % of the cells"


def draw_words(counted: pl.DataFrame, *, n_cells: pl.Series | None = None) -> str | None:
    """Draw it; None if no sentence has a word.

    Parameters
    ----------
    counted
        `sentence_length` and `n_above_ties`.
    n_cells
        How many cells each row stands for; one unless it is given.
    """
    places, percent = share_of_cells_by_place(
        counted[N_ABOVE_TIES], counted[SENTENCE_LENGTH], n_cells=n_cells
    )
    if not places.size:
        return None
    keys = [(IS_CHANCE, GREY), (IS_EXPRESSION, BLUE)]
    return areas_by_place(places, percent[:, ::-1], keys=keys, label="Place of a word in the sentence")
