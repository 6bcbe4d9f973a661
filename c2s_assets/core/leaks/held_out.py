"""Ridge regression that predicts each row from the rows of other folds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def predict_held_out(
    features: NDArray[np.float32], answers: NDArray[np.float32], folds: NDArray[np.int64]
) -> Matrix:
    """Predict the answers of every row by a model of all rows of other folds.

    Each feature is scaled to a standard deviation of 1. The penalty weighs as much as one row of average
    length, so that it does not depend on how many features there are.

    Parameters
    ----------
    features, answers
        Shapes ``(n_rows, n_features)`` and ``(n_rows, n_answers)``.
    folds
        The fold of each row, at least two different ones.

    Returns
    -------
    Shape ``(n_rows, n_answers)``.
    """
    scaled = _scaled(features)
    of_folds = {fold: folds == fold for fold in np.unique(folds)}
    sums = {fold: _Sums.of(scaled[rows], answers[rows]) for fold, rows in of_folds.items()}
    of_all = _Sums.of_parts(list(sums.values()))
    predicted = np.empty(answers.shape)
    for fold, rows in of_folds.items():
        predicted[rows] = of_all.without(sums[fold]).predict(scaled[rows])
    return predicted


@dataclass(frozen=True)
class _Sums:
    """All that a ridge regression has to know of rows; those of several folds add up.

    Attributes
    ----------
    features, answers, squares, products
        Sums over rows of features, of answers, of features times features, and of features times answers.
    """

    n_rows: int
    features: Matrix
    answers: Matrix
    squares: Matrix
    products: Matrix

    @classmethod
    def of(cls, features: NDArray[np.float32], answers: NDArray[np.float32]) -> "_Sums":
        return cls(
            len(features),
            features.sum(axis=0, dtype=np.float64),
            answers.sum(axis=0, dtype=np.float64),
            (features.T @ features).astype(np.float64),
            (features.T @ answers).astype(np.float64),
        )

    @classmethod
    def of_parts(cls, parts: list["_Sums"]) -> "_Sums":
        squares = np.zeros_like(parts[0].squares)
        for part in parts:
            squares += part.squares
        return cls(
            sum(part.n_rows for part in parts),
            np.sum([part.features for part in parts], axis=0),
            np.sum([part.answers for part in parts], axis=0),
            squares,
            np.sum([part.products for part in parts], axis=0),
        )

    def without(self, part: "_Sums") -> "_Sums":
        return _Sums(
            self.n_rows - part.n_rows,
            self.features - part.features,
            self.answers - part.answers,
            self.squares - part.squares,
            self.products - part.products,
        )

    def predict(self, features: NDArray[np.float32]) -> Matrix:
        centre, mean = self.features / self.n_rows, self.answers / self.n_rows
        squares = self.squares - np.outer(self.features, centre)
        squares[np.diag_indices_from(squares)] += len(centre)
        weights = np.linalg.solve(squares, self.products - np.outer(self.features, mean))
        predicted: Matrix = features @ weights + (mean - centre @ weights)
        return predicted


def _scaled(features: NDArray[np.float32]) -> NDArray[np.float32]:
    deviations = features.std(axis=0)
    scaled: NDArray[np.float32] = (features - features.mean(axis=0)) / np.where(deviations > 0, deviations, 1)
    return scaled
