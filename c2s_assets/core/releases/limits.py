"""What the files of a card do not hold, and what they must not be taken for."""

from collections.abc import Iterator, Sequence

import polars as pl

from c2s_assets.core.columns import AGE, CELL_TYPE, HAS_KNOWN_DONOR
from c2s_assets.core.releases.census import Census, N, count_ties, split_by_cell
from c2s_assets.core.releases.licences import licence_problems, unread_licences
from c2s_assets.core.releases.sources import Source
from c2s_assets.core.reports.counts import some_of
from c2s_assets.core.reports.markdown import shown
from c2s_assets.core.reports.text import as_markdown, one_line

_MOST_NAMED = 5


def find_limits(census: Census, sources: Sequence[Source], *, licence: str | None) -> list[str]:
    """List them as sentences of Markdown; what does not apply is left out."""
    return [
        "Labels, ages and donors are what each source states; nobody has looked at the cells again.",
        *_of_cells(census),
        *_of_sources(sources),
        *_of_licences(sources, licence),
    ]


def _of_cells(census: Census) -> Iterator[str]:
    if n := _count(census, pl.col(AGE).is_null()):
        yield f"{n:,} cells have no age."
    if n < census.n_cells:
        yield "An age can stand for an interval: see `age_low` and `age_high`."
    if n := _count(census, pl.col(CELL_TYPE).is_null()):
        yield f"{n:,} cells have no cell type."
    if n := _count(census, ~pl.col(HAS_KNOWN_DONOR).fill_null(value=False)):
        yield f"{n:,} cells are of donors that cannot be told apart."
    if names := split_by_cell(census):
        some = some_of(names, most=_MOST_NAMED)
        yield f"Of {some} single cells were split, so that one person can be on two sides."
    if n := count_ties(census).n_empty:
        yield f"{n:,} sentences are empty."


def _of_sources(sources: Sequence[Source]) -> Iterator[str]:
    if names := [one.dataset_id for one in sources if one.values not in (None, "counts")]:
        yield f"Of {some_of(names, most=_MOST_NAMED)} values that are no counts were ranked."
    if len(sources) > 1:
        yield "Symbols are those of each source: a gene can have another one in another dataset."


def _of_licences(sources: Sequence[Source], licence: str | None) -> Iterator[str]:
    stated = {source.dataset_id: source.licence for source in sources}
    if unread := unread_licences(stated.values()):
        names = ", ".join(map(shown, unread))
        yield f"Nobody has compared the terms of these licences with those of the whole: {names}."
    for problem in licence_problems(licence, stated):
        yield f"Licences: {as_markdown(one_line(problem))}."


def _count(census: Census, condition: pl.Expr) -> int:
    return int(census.cells.filter(condition)[N].sum())
