import numpy as np
import pytest

from c2s_assets.core.errors import EmptyDatasetError, InvalidMatrixError, MissingColumnError
from c2s_assets.core.expression.layers import (
    MatrixVerdict,
    choose_matrix,
    explain_choice,
    in_order,
    judge_values,
    named_matrix,
)

VERDICTS = {
    "counts": MatrixVerdict("counts", 300, 1_500, 1.0, 30.0, 1.0),
    "mask": MatrixVerdict("counts", 300, 1_500, 1.0, 1.0, 1.0),
    "normalised": MatrixVerdict("normalised", 300, 1_500, 0.5, 7.0, 0.125),
    "scaled": MatrixVerdict("scaled", 300, 1_500, -2.0, 7.0, 0.0),
    "unknown": MatrixVerdict("unknown", 300, 0, 0.0, 0.0, 0.0),
}


def choose(problems=(), **kinds):
    names = {"raw": "raw.X", "counts": "layers/counts", "X": "X"}
    verdicts = {names.get(name, f"layers/{name}"): VERDICTS[kind] for name, kind in kinds.items()}
    return choose_matrix(verdicts, {name: InvalidMatrixError(f"{name} is broken") for name in problems})


@pytest.mark.parametrize(
    ("kinds", "chosen"),
    [
        ({"raw": "counts", "counts": "counts", "X": "counts"}, "raw.X"),
        ({"X": "counts", "counts": "counts", "spliced": "counts"}, "layers/counts"),
        ({"X": "counts", "spliced": "counts"}, "X"),
        ({"raw": "normalised", "X": "counts"}, "X"),
        ({"raw": "normalised", "X": "scaled", "counts": "counts"}, "layers/counts"),
        ({"raw": "normalised", "X": "normalised", "Counts": "counts"}, "layers/Counts"),
        ({"X": "scaled", "a": "counts", "umi": "counts", "raw_counts": "counts"}, "layers/raw_counts"),
        ({"X": "normalised", "b": "counts", "A": "counts"}, "layers/A"),
        (
            {"X": "normalised", "ambiguous": "counts", "spliced": "counts", "unspliced": "counts"},
            "layers/spliced",
        ),
        ({"X": "normalised", "X_binned": "counts"}, "X"),
        ({"X": "normalised", "expressed": "mask"}, "X"),
        ({"X": "mask", "umi": "counts"}, "X"),
        ({"raw": "normalised", "X": "normalised"}, "raw.X"),
        ({"raw": "scaled", "X": "normalised"}, "X"),
        ({"raw": "unknown", "X": "normalised"}, "X"),
        ({"raw": "scaled", "X": "scaled", "lognorm": "normalised"}, "raw.X"),
        ({"umi": "counts"}, "layers/umi"),
    ],
)
def test_the_first_that_holds_counts_is_chosen_and_else_the_first_that_can_be_ranked(kinds, chosen):
    assert choose(**kinds) == chosen


def test_one_that_cannot_be_read_is_passed_over_only_where_another_holds_counts():
    assert choose(problems=["raw.X", "layers/d"], X="counts") == "X"
    with pytest.raises(InvalidMatrixError, match=r"raw\.X is broken"):
        choose(problems=["raw.X"], X="normalised")
    assert choose(problems=["X"], raw="normalised") == "raw.X"


def test_matrices_are_judged_from_the_most_to_the_least_likely():
    names = ["X", "layers/spliced", "layers/Raw", "layers/b", "layers/counts", "layers/UMIs", "raw.X"]
    assert in_order(names) == [
        *("raw.X", "layers/counts", "X", "layers/Raw", "layers/UMIs", "layers/b", "layers/spliced")
    ]


def test_the_choice_is_explained_by_what_decided():
    verdicts = {"raw.X": VERDICTS["normalised"], "X": VERDICTS["counts"]}
    assert explain_choice("X", verdicts, is_named=False) == (
        "X is the first that holds counts: raw.X holds normalised values (12.5% of 1,500 values are whole, "
        "from 0.5 to 7), X holds counts (100.0% of 1,500 values are whole, from 1 to 30)."
    )
    assert explain_choice("raw.X", verdicts, is_named=True).startswith("datasets.yaml names raw.X: ")
    del verdicts["X"]
    assert explain_choice("raw.X", verdicts, is_named=False).startswith("None holds counts, and raw.X is")


@pytest.mark.parametrize(
    ("layer", "chosen"),
    [("X", "X"), ("raw.X", "raw.X"), ("spliced", "layers/spliced"), ("layers/spliced", "layers/spliced")],
)
def test_the_layer_asked_for_is_found(layer, chosen):
    assert named_matrix(["X", "raw.X", "layers/spliced"], layer=layer) == chosen


@pytest.mark.parametrize("layer", ["count", "layers/X", "raw"])
def test_a_layer_that_is_not_there_is_refused_with_those_there_are(layer):
    with pytest.raises(
        MissingColumnError, match=f"no matrix '{layer}', .* It has: X, layers/counts. Correct"
    ):
        named_matrix(["layers/counts", "X"], layer=layer)


def test_a_file_without_any_of_the_three_is_refused_with_what_there_is():
    with pytest.raises(
        EmptyDatasetError, match=r"the file has: layers/a \(normalised\), layers/b. Name the one to use"
    ):
        choose(problems=["layers/b"], a="normalised")


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
