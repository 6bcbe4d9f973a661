"""The pictures of a card, drawn of what its cells are counted by."""

from collections.abc import Iterator

import polars as pl

from c2s_assets.core.columns import CELL_TYPE
from c2s_assets.core.pages.drawings import as_file, bars, stacked_histogram
from c2s_assets.core.pages.words import WORDS_AND_TIES, draw_words
from c2s_assets.core.releases.census import LABELS, Census, N, ages_by_side

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
    if drawn := draw_words(census.words, n_cells=census.words[N]):
        yield WORDS, WORDS_AND_TIES, drawn
    if ages := ages_by_side(census):
        values = {side: known for side, (known, _) in ages.items()}
        n = {side: counted for side, (_, counted) in ages.items()}
        yield AGES, "Ages of the cells by side", stacked_histogram(values, label="Age (years)", n=n)
    for column in (TISSUES, CELL_TYPES):
        counts = census.cells.drop_nulls(column).group_by(column).agg(pl.col(N).sum())
        if counts.height:
            shown = counts.sort(N, column, descending=[True, False]).head(_MOST_BARS)
            yield column, f"Cells per {LABELS[column]}", bars(shown.rows())
