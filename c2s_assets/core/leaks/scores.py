"""What models score with random rows, whole donors and whole datasets held out, and what a leak adds."""

import polars as pl

from c2s_assets.core.columns import AGE, CELL_TYPE

TASK, UNIT, SPLIT_BY, SCORE, CHANCE, REASON = "task", "unit", "split", "score", "chance", "reason"
N_TRAIN, N_TEST, N_DONORS = "n_train", "n_test", "n_donors"
TASKS = (AGE, CELL_TYPE)
CELL, PSEUDOBULK = "cell", "pseudobulk"
UNITS = (CELL, PSEUDOBULK)
BY_ROW, BY_DONOR, BY_DATASET = "random", "donor", "dataset"
SPLITS = (BY_ROW, BY_DONOR, BY_DATASET)

# Too large to be an accident of the draw. Of 40 generated donors with a weak or no signal of age, and no mark
# of their own, random rows gained at most 0.055 in 36 draws; with marks and no signal, 0.3 to 0.8 in 4.
_MOST_GAINED = 0.1

SCORE_SCHEMA: dict[str, pl.DataType] = {
    TASK: pl.String(),
    UNIT: pl.String(),
    SPLIT_BY: pl.String(),
    SCORE: pl.Float32(),
    CHANCE: pl.Float32(),
    N_TRAIN: pl.Int64(),
    N_TEST: pl.Int64(),
    N_DONORS: pl.Int64(),
    REASON: pl.String(),
}


def compare_with_random(inflation: pl.DataFrame) -> pl.DataFrame:
    """Tell what rows held out at random would have pretended, beside each score without their donors.

    Returns
    -------
    `task, unit, split, score, random_score, gained, is_better` of what has both scores, most gained first. A
    score below chance is as good as chance.
    """
    scored = inflation.drop_nulls(SCORE)
    at_random = scored.filter(pl.col(SPLIT_BY) == BY_ROW).select(TASK, UNIT, random_score=SCORE)
    gained = pl.max_horizontal("random_score", CHANCE) - pl.max_horizontal(SCORE, CHANCE)
    return (
        scored.filter(pl.col(SPLIT_BY) != BY_ROW)
        .join(at_random, on=[TASK, UNIT])
        .with_columns(gained=gained)
        .select(TASK, UNIT, SPLIT_BY, SCORE, "random_score", "gained", is_better=gained > _MOST_GAINED)
        .sort("gained", TASK, UNIT, SPLIT_BY, descending=[True, False, False, False])
    )
