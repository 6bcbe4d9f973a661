import numpy as np
import pytest

from c2s_assets.core.errors import EmptyDatasetError, MissingColumnError
from c2s_assets.core.expression.layers import MatrixVerdict, choose_matrix, judge_values


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["X", "layers/counts", "raw.X"], "raw.X"),
        (["X", "layers/counts", "layers/spliced"], "layers/counts"),
        (["X", "layers/spliced"], "X"),
    ],
)
def test_raw_comes_before_counts_and_counts_before_x(names, chosen):
    assert choose_matrix(names) == chosen


@pytest.mark.parametrize(
    ("layer", "chosen"),
    [("X", "X"), ("raw.X", "raw.X"), ("spliced", "layers/spliced"), ("layers/spliced", "layers/spliced")],
)
def test_the_layer_asked_for_is_chosen(layer, chosen):
    assert choose_matrix(["X", "raw.X", "layers/spliced"], layer=layer) == chosen


@pytest.mark.parametrize("layer", ["count", "layers/X", "raw"])
def test_a_layer_that_is_not_there_is_refused_with_those_there_are(layer):
    with pytest.raises(
        MissingColumnError, match=f"no matrix '{layer}', .* It has: X, layers/counts. Correct"
    ):
        choose_matrix(["layers/counts", "X"], layer=layer)


@pytest.mark.parametrize(
    ("names", "listed"), [(["layers/a"], "layers/a"), ([], "none")], ids=["others", "none"]
)
def test_a_file_without_any_of_the_three_is_refused(names, listed):
    with pytest.raises(EmptyDatasetError, match=f"the file has: {listed}. Name the one to use as layer"):
        choose_matrix(names)


def judge(*samples, n_cells=10, dtype=np.float32):
    return judge_values([np.array(sample, dtype=dtype) for sample in samples], n_cells=n_cells)


@pytest.mark.parametrize(
    ("values", "kind", "can_be_ranked"),
    [
        ([1, 2, 30_000], "counts", True),
        ([1], "counts", True),
        ([1, 2, 2.5], "normalised", True),
        ([1, 2, -1], "scaled", False),
        ([-0.25, 0.5], "scaled", False),
        ([0, -0.0], "unknown", False),
        ([], "unknown", False),
    ],
)
def test_values_tell_what_a_matrix_is(values, kind, can_be_ranked):
    verdict = judge(values)
    assert (verdict.kind, verdict.can_be_ranked) == (kind, can_be_ranked)


def test_one_value_in_the_tail_of_the_file_decides():
    assert judge([1, 2], [3], [0.5]).kind == "normalised"
    assert judge([1, 2], [3], [-1]).kind == "scaled"


def test_the_verdict_holds_its_evidence():
    assert judge([1, 0, 2], [0.5, 3], n_cells=7) == MatrixVerdict("normalised", 7, 4, 0.5, 3.0, 0.75)


def test_without_samples_nothing_is_known():
    assert judge_values([], n_cells=0) == MatrixVerdict("unknown", 0, 0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.float64])
def test_the_type_of_the_values_does_not_matter(dtype):
    assert judge([1, 2], dtype=dtype) == judge([1, 2])
