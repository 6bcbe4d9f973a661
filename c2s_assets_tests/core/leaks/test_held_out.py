import numpy as np
import pytest

from c2s_assets.core.leaks.held_out import predict_held_out


def test_rows_are_predicted_as_by_a_ridge_regression_of_the_other_folds() -> None:
    """Compared with the textbook: rows of the penalty below the centred features, and least squares."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(30, 4)).astype(np.float32)
    answers = (features @ rng.normal(size=(4, 2)) + rng.normal(size=(30, 2)) + 7).astype(np.float32)
    folds = np.arange(30) % 3
    predicted = predict_held_out(features, answers, folds)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    for fold in range(3):
        train, test = folds != fold, folds == fold
        centre, mean = scaled[train].mean(axis=0), answers[train].mean(axis=0)
        below = np.vstack([scaled[train] - centre, np.sqrt(4) * np.eye(4)])
        weights = np.linalg.lstsq(below, np.vstack([answers[train] - mean, np.zeros((4, 2))]))[0]
        assert predicted[test] == pytest.approx((scaled[test] - centre) @ weights + mean, abs=1e-4)


def test_a_row_does_not_know_its_own_answer() -> None:
    features, folds = np.eye(4, dtype=np.float32), np.arange(4)
    answers = np.array([[1], [1], [1], [9]], np.float32)
    assert predict_held_out(features, answers, folds)[3, 0] == pytest.approx(1)


def test_a_feature_that_does_not_vary_is_of_no_use_and_no_error() -> None:
    answers = np.array([[1], [2], [3], [4]], np.float32)
    predicted = predict_held_out(np.ones((4, 2), np.float32), answers, np.array([0, 0, 1, 1]))
    assert predicted[:, 0].tolist() == [3.5, 3.5, 1.5, 1.5]
