"""What a leak costs: how well models seem to do if cells of the donors they are tested on were seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from c2s_assets.core.columns import AGE, CELL_TYPE, DATASET_ID, FOLD
from c2s_assets.core.expression.variability import TARGET_COUNTS
from c2s_assets.core.leaks.held_out import predict_held_out
from c2s_assets.core.leaks.scores import (
    BY_DATASET,
    BY_DONOR,
    BY_ROW,
    CELL,
    CHANCE,
    N_DONORS,
    N_TEST,
    N_TRAIN,
    PSEUDOBULK,
    REASON,
    SCORE,
    SCORE_SCHEMA,
    SPLIT_BY,
    SPLITS,
    TASK,
    TASKS,
    UNIT,
)
from c2s_assets.core.tabular.members import gather

PERSON = "person"
SEED = 0
_N_FOLDS = 5
# With fewer, what looks like skill may be the luck of two or three of them.
_FEWEST_DONORS = 10


@dataclass(frozen=True)
class Sample:
    """Cells, or means of cells, of which age and type are known and may be predicted.

    Attributes
    ----------
    rows
        `person` (whoever a donor is under several ids), `dataset_id`, `fold`, `age` and `cell_type`.
    expression
        Log-normalised, the same genes for all rows, ``(n_rows, n_genes)``.
    """

    rows: pl.DataFrame
    expression: NDArray[np.float32]

    def where(self, condition: pl.Expr) -> "Sample":
        """Take the rows that fulfil a condition; one that is null does not."""
        is_kept = self.rows.select(condition.fill_null(value=False)).to_series().to_numpy()
        return Sample(self.rows.filter(is_kept), self.expression[is_kept])

    def pseudobulk(self) -> "Sample":
        """Average the cells of each type of a person in a dataset."""
        keys = (DATASET_ID, PERSON, CELL_TYPE)
        rows = self.rows.group_by(keys).agg(pl.first(FOLD), pl.mean(AGE)).sort(keys, nulls_last=True)
        return Sample(rows, gather(self.rows, keys).mean(self.expression))


def log_normalised(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale the counts of each cell to a sum of `TARGET_COUNTS`, and take ``log(1 + x)``."""
    depth = counts.sum(axis=1, keepdims=True)
    return np.log1p(counts * (np.float32(TARGET_COUNTS) / np.where(depth > 0, depth, 1)))


def measure_inflation(cells: Sample) -> pl.DataFrame:
    """Score a clock and a classifier of cell types with rows, persons and whole datasets held out.

    Every row is predicted once, by a ridge regression of the rows of the other folds: its age, or for each
    type whether it is that type, of which the likeliest counts. Scores are the share of the variance of age
    that is explained (R2), and the share of types that are right.

    Returns
    -------
    One row per task, unit and split, see schemas.leaks.LeakInflation.
    """
    units = {CELL: cells, PSEUDOBULK: cells.pseudobulk()}
    rows = []
    for task in TASKS:
        for unit, sample in units.items():
            known = sample.where(_IS_KNOWN[task])
            rows += [
                {TASK: task, UNIT: unit, SPLIT_BY: split, **_score(known, task, split)} for split in SPLITS
            ]
    return pl.DataFrame(rows, schema=SCORE_SCHEMA)


def _score(known: Sample, task: str, split: str) -> dict[str, object]:
    rows = known.rows
    counted: dict[str, object] = {N_DONORS: rows[PERSON].n_unique(), N_TRAIN: 0, N_TEST: 0}
    if (reason := _why_not(rows, task)) is not None:
        return {**counted, REASON: reason}
    folds = _FOLDS[split](rows)
    n_folds = np.unique(folds).size
    if n_folds < 2:
        return {**counted, REASON: _ONE_FOLD[split]}
    score = _score_age if task == AGE else _score_cell_types
    n_rows = rows.height
    figures = {N_TRAIN: n_rows - n_rows // n_folds, N_TEST: n_rows}
    return {**counted, **figures, **score(known, folds)}


_IS_KNOWN: Mapping[str, pl.Expr] = {
    AGE: pl.col(AGE).is_not_null(),
    # What one person alone has cannot be predicted without that person.
    CELL_TYPE: pl.col(CELL_TYPE).is_not_null() & (pl.col(PERSON).n_unique().over(CELL_TYPE) > 1),
}
_ONE_FOLD: Mapping[str, str] = {
    BY_ROW: "there is one row",
    BY_DONOR: "all donors are in one fold",
    BY_DATASET: "there is one dataset, or all of them share donors",
}


def _why_not(rows: pl.DataFrame, task: str) -> str | None:
    """Say why nothing can be predicted, if so."""
    what = "ages" if task == AGE else "cell types that two donors have"
    n_persons, n_answers = rows[PERSON].n_unique(), rows[task].n_unique()
    if n_answers < 2:
        return f"there are no {what}" if n_answers == 0 else f"there are no two different {what}"
    if n_persons < _FEWEST_DONORS:
        return f"{n_persons} donors can be told apart and have {what}; {_FEWEST_DONORS} are needed"
    return None


def _score_age(known: Sample, folds: NDArray[np.int64]) -> dict[str, float]:
    age = known.rows[AGE].to_numpy().astype(np.float32)
    predicted = predict_held_out(known.expression, age[:, np.newaxis], folds)[:, 0]
    unexplained = ((age - predicted) ** 2).sum() / ((age - age.mean()) ** 2).sum()
    return _rounded(1 - unexplained, chance=0.0)


def _score_cell_types(known: Sample, folds: NDArray[np.int64]) -> dict[str, float]:
    number = _numbered(known.rows[CELL_TYPE])
    is_of_type = np.eye(number.max() + 1, dtype=np.float32)[number]
    likeliest = predict_held_out(known.expression, is_of_type, folds).argmax(axis=1)
    return _rounded((likeliest == number).mean(), chance=is_of_type.mean(axis=0).max())


def _rounded(score: float, *, chance: float) -> dict[str, float]:
    # Beyond, the order in which a processor adds up shows.
    return {SCORE: round(float(score), 3), CHANCE: round(float(chance), 3)}


def _random_folds(rows: pl.DataFrame) -> NDArray[np.int64]:
    return np.random.default_rng(SEED).permutation(rows.height) % _N_FOLDS


def _donor_folds(rows: pl.DataFrame) -> NDArray[np.int64]:
    return rows[FOLD].to_numpy().astype(np.int64)


def _dataset_folds(rows: pl.DataFrame) -> NDArray[np.int64]:
    """Put whole datasets into folds, and those that share persons into the same."""
    dataset, person = (_numbered(rows[name]) for name in (DATASET_ID, PERSON))
    n_datasets = int(dataset.max()) + 1
    n_nodes = n_datasets + int(person.max()) + 1
    linked = coo_array((np.ones(rows.height, np.int8), (dataset, n_datasets + person)), (n_nodes, n_nodes))
    study = connected_components(linked, directed=False)[1][dataset]
    _, study = np.unique(study, return_inverse=True)
    return _random_folds(pl.DataFrame({"study": np.unique(study)}))[study]


def _numbered(names: pl.Series) -> NDArray[np.int64]:
    """Give each name its place among all different ones, in alphabetical order."""
    return names.rank("dense").to_numpy().astype(np.int64) - 1


_FOLDS: Mapping[str, Callable[[pl.DataFrame], NDArray[np.int64]]] = {
    BY_ROW: _random_folds,
    BY_DONOR: _donor_folds,
    BY_DATASET: _dataset_folds,
}
