"""The pictures of a card, drawn of what its cells are counted by."""

from collections.abc import Iterator

import polars as pl

from c2s_assets.core.columns import CELL_TYPE, N_ABOVE_TIES, SENTENCE_LENGTH
from c2s_assets.core.pages.drawings import areas_by_place, as_file, bars, stacked_histogram
from c2s_assets.core.releases.census import LABELS, Census, N, ages_by_side
from c2s_assets.core.reports.palette import BLUE, GREY
from c2s_assets.core.sentences.information import IS_CHANCE, IS_EXPRESSION, share_of_cells_by_place

# Folders of datasets do not begin like it.
_FOLDER = "_images"
_MOST_BARS = 25


WORDS, AGES, TISSUES, CELL_TYPES = "words", "ages", "tissue", CELL_TYPE


def picture_path(name: str) -> str:
    """Say where the file of a picture is."""
    return f"{_FOLDER}/{name}.svg"


def draw_pictures(census: Census) -> dict[str, tuple[str, str]]:
    """Draw what a card shows: by path of the file, its caption and its content."""
    return {picture_path(name): (caption, as_file(drawn)) for name, caption, drawn in _drawn(census)}


def _drawn(census: Census) -> Iterator[tuple[str, str, str]]:
    words = census.words
    places, percent = share_of_cells_by_place(words[N_ABOVE_TIES], words[SENTENCE_LENGTH], n_cells=words[N])
    if places.size:
        keys = [(IS_CHANCE, GREY), (IS_EXPRESSION, BLUE)]
        drawn = areas_by_place(places, percent[:, ::-1], keys=keys, label="Place of a word in the sentence")
        yield WORDS, "Words and ties, in % of the cells", drawn
    if ages := ages_by_side(census):
        values = {side: known for side, (known, _) in ages.items()}
        n = {side: counted for side, (_, counted) in ages.items()}
        yield AGES, "Ages of the cells by side", stacked_histogram(values, label="Age (years)", n=n)
    for column in (TISSUES, CELL_TYPES):
        counts = census.cells.drop_nulls(column).group_by(column).agg(pl.col(N).sum())
        if counts.height:
            shown = counts.sort(N, column, descending=[True, False]).head(_MOST_BARS)
            yield column, f"Cells per {LABELS[column]}", bars(shown.rows())
