"""Rows of the sides: a cell's sentence, age, metadata and publication in one row."""

from collections.abc import Sequence

import polars as pl

from c2s_assets.core.cells.metadata import split_columns
from c2s_assets.core.cells.provenance import Publication
from c2s_assets.core.columns import CELL_ID, FOLD, SPLIT, SPLIT_LEVEL, names_beside
from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.splits.manifest import assign_cells

PUBLICATION_COLUMNS = ("collection_id", "publication_title", "publication_doi", "publication_description")


def join_records(
    cells: pl.DataFrame,
    sentences: pl.DataFrame,
    manifest: pl.DataFrame,
    *,
    publication: Publication,
    start: int = 0,
) -> pl.DataFrame:
    """Put the rows of one block of cells together and leave out those on no side.

    Parameters
    ----------
    cells, sentences
        The same cells in the same order, as in `cell_metadata` and `cell_sentences`.
    manifest
        From `split_dataset`.
    start
        Row of the dataset with which the block begins.

    Returns
    -------
    All columns of both tables, `split`, `split_level`, `fold` and `PUBLICATION_COLUMNS`. Those of the
    metadata have the names that `record_names` gives them.

    Raises
    ------
    MissingInputError
        If the tables do not hold the same cells, or the manifest does not know them: one of them was built
        from another version of the dataset.
    """
    if not cells[CELL_ID].equals(sentences[CELL_ID]):
        raise MissingInputError(
            f"cell_metadata and cell_sentences do not hold the same cells: "
            f"{_first_difference(cells[CELL_ID], sentences[CELL_ID])}. Build both again."
        )
    metadata = cells.rename(record_names(cells.columns, sentences.columns))
    sides = assign_cells(split_columns(cells), manifest, start=start)
    joined = pl.DataFrame([*metadata, *sentences.drop(CELL_ID), *sides.drop(CELL_ID)]).with_columns(
        pl.lit(manifest[SPLIT_LEVEL][0]).alias(SPLIT_LEVEL),
        pl.lit(publication.collection_id, pl.String).alias("collection_id"),
        pl.lit(publication.title, pl.String).alias("publication_title"),
        pl.lit(publication.doi, pl.String).alias("publication_doi"),
        pl.lit(publication.description, pl.String).alias("publication_description"),
    )
    return joined.filter(pl.col(SPLIT).is_not_null())


def record_names(cell_columns: Sequence[str], sentence_columns: Sequence[str]) -> dict[str, str]:
    """Name each column of `cell_metadata` as it is called in `train_test`; see `names_beside`."""
    added = {*sentence_columns, *PUBLICATION_COLUMNS, SPLIT, SPLIT_LEVEL, FOLD} - {CELL_ID}
    return names_beside(cell_columns, taken=added)


def _first_difference(ids: pl.Series, others: pl.Series) -> str:
    if len(ids) != len(others):
        return f"{len(ids):,} and {len(others):,} rows"
    row = int(ids.ne_missing(others).to_numpy().argmax())
    return f"row {row} of a block is {ids[row]!r} in one and {others[row]!r} in the other"
