"""Asks a vision model about cells, and lays out what it says of them."""

from collections.abc import Callable, Iterator

import polars as pl

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.answers import MACHINE_SOURCE, judge_answers
from c2s_assets.core.spatial.patches import CELL_PATCH, TISSUE_PATCH
from c2s_assets.core.spatial.vision import Question, whom_not_to_ask, write_prompt
from c2s_assets.schemas.registry import CAPTIONS, PATCHES
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.spatial.kept_answers import Ask, KeptAnswers
from c2s_assets.storage.streams import map_ahead
from c2s_assets.storage.tables.parquet import iter_table

# Most of the time the model thinks, and servers take several questions together.
_ASKED_AT_ONCE = 4
_PATCHES_PER_BLOCK = 256
_IMAGES = [c.CELL_PATCH, c.CELL_UM_PER_PX, c.TISSUE_PATCH, c.TISSUE_UM_PER_PX]

# The row of a cell, what it was asked about with, and the answer.
_Answer = tuple[int, str, str | None]
_ANSWERS = {"row": pl.UInt32, c.PROMPT_SHA256: pl.String, "answer": pl.String}


def read_cells(dataset: Dataset, *, most: int | None) -> pl.DataFrame:
    """Read of all cells their id, what a model may know of them (`caption_blind`) and `why` none is asked."""
    cells = dataset.read(CAPTIONS, columns=[CELL_ID, c.CAPTION_BLIND])
    blank = dataset.read(PATCHES, columns=[c.CELL_IS_BLANK, c.TISSUE_IS_BLANK])
    known = cells.with_columns(
        pl.col(c.CAPTION_BLIND).is_not_null().alias("has_place"),
        blank.select(pl.any_horizontal(pl.all().fill_null(value=False))).to_series().alias("is_blank"),
    )
    return cells.with_columns(whom_not_to_ask(known, most=most))


def describe_cells(
    dataset: Dataset, cells: pl.DataFrame, *, model: str, ask: Ask, show: Callable[[int, int], None]
) -> pl.DataFrame:
    """Ask a model about each cell that is to be asked about, unless its answer is kept.

    Parameters
    ----------
    cells
        See `read_cells`.
    ask
        Asks the model; called in several threads.
    show
        Told how many answers there are, and of how many.

    Returns
    -------
    See schemas.tables.MachineCaptions.
    """
    kept, n_asked = KeptAnswers(dataset.layout.vision_answers(dataset.dataset_id)), cells["why"].null_count()

    def answer(item: tuple[int, Question]) -> _Answer:
        row, question = item
        return row, question.prompt_sha256, kept.answer(question, ask)

    found: list[_Answer] = []
    for one in map_ahead(answer, _questions(dataset, cells, model), n_threads=_ASKED_AT_ONCE):
        found.append(one)
        show(len(found), n_asked)
    return _laid_out(cells, found, model=model)


def nothing_described(cells: pl.DataFrame) -> pl.DataFrame:
    """Lay out the rows of cells none of which a model was asked about; see `describe_cells`."""
    return _laid_out(cells, [], model="")


def _questions(dataset: Dataset, cells: pl.DataFrame, model: str) -> Iterator[tuple[int, Question]]:
    """Put the question about each cell together, with the row of the cell."""
    start = 0
    for block in iter_table(dataset.path(PATCHES), columns=_IMAGES, rows=_PATCHES_PER_BLOCK):
        told = pl.DataFrame([*cells.slice(start, block.height), *block]).with_row_index("row", offset=start)
        for cell in told.filter(pl.col("why").is_null()).iter_rows(named=True):
            prompt = write_prompt(
                cell[c.CAPTION_BLIND],
                cell_um=cell[c.CELL_UM_PER_PX] * CELL_PATCH.px,
                tissue_um=cell[c.TISSUE_UM_PER_PX] * TISSUE_PATCH.px,
            )
            yield cell["row"], Question(model, prompt, cell[c.CELL_PATCH], cell[c.TISSUE_PATCH])
        start += block.height


def _laid_out(cells: pl.DataFrame, found: list[_Answer], *, model: str) -> pl.DataFrame:
    """Give every cell its row, with the text or why there is none."""
    answers = pl.DataFrame(found, schema=_ANSWERS, orient="row")
    judged = judge_answers(answers["answer"].to_list())
    answered = pl.DataFrame([*answers.drop("answer"), *judged])
    rows = cells.with_row_index("row").join(answered, on="row", how="left", maintain_order="left")
    return rows.select(
        CELL_ID,
        c.MACHINE_CAPTION,
        pl.when(pl.col(c.MACHINE_CAPTION).is_not_null())
        .then(pl.lit(MACHINE_SOURCE))
        .alias(c.MACHINE_CAPTION_SOURCE),
        pl.when(pl.col(c.PROMPT_SHA256).is_not_null()).then(pl.lit(model)).alias(c.VISION_MODEL),
        c.PROMPT_SHA256,
        pl.coalesce(c.WHY_NO_MACHINE_CAPTION, "why").alias(c.WHY_NO_MACHINE_CAPTION),
    )
