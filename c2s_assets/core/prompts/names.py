"""What else the answers on cells are called in the columns of the same cells."""

from collections.abc import Iterator

import polars as pl

from c2s_assets.core.cells.labels import members
from c2s_assets.core.columns import AGE_HIGH, AGE_LOW, DEVELOPMENT_STAGE, DEVELOPMENT_STAGE_ID
from c2s_assets.core.prompts.facts import LABELS, age_text, label_text

_AGES, _STAGES = [AGE_LOW, AGE_HIGH], [DEVELOPMENT_STAGE, DEVELOPMENT_STAGE_ID]
_IDS = {name: f"{name}_ontology_term_id" for name in LABELS}
NAMING_COLUMNS = (*LABELS, *_IDS.values(), *_AGES, *_STAGES)


def names_of_answers(cells: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Pair the answers on cells with their ontology ids, and ages with the stage that they were read from.

    Parameters
    ----------
    cells
        Those of `NAMING_COLUMNS` that the dataset has.
    """
    for label, term_id in _IDS.items():
        if {label, term_id} <= set(cells.columns):
            for text, ids in cells.select(label, term_id).unique().drop_nulls().iter_rows():
                answer = label_text(text)
                yield from ((answer, name) for name in members(ids) if answer is not None)
    stages = [name for name in _STAGES if name in cells.columns]
    for low, high, *called in cells.select(*_AGES, *stages).unique().iter_rows():
        answer = age_text(low, high)
        yield from ((answer, name) for name in called if answer is not None and name is not None)
