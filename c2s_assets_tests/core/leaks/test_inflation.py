"""What a leak costs: a mark of the donors passes for skill with random rows, and with these alone."""

import numpy as np
import polars as pl
import pytest

from c2s_assets.core.leaks.claims import random_split_is_not_better
from c2s_assets.core.leaks.inflation import Sample, log_normalised, measure_inflation
from c2s_assets.schemas.leaks import LeakInflation
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets_tests.core.leaks.drawing import draw_sample

NO_AGE = pl.lit(None, pl.Float32)


def scores(inflation: pl.DataFrame, task: str) -> dict[tuple[str, str], float]:
    rows = inflation.filter(task=task).select("unit", "split", "score").rows()
    return {(unit, split): score for unit, split, score in rows}


def reasons(inflation: pl.DataFrame, task: str) -> set[str | None]:
    return set(inflation.filter(task=task)["reason"])


def test_marks_of_donors_pass_for_age_with_random_rows_and_are_worth_nothing_by_donor() -> None:
    inflation = measure_inflation(draw_sample(donor_effect=1.0))
    assert keeps_schema([inflation], LeakInflation).holds
    of_age = scores(inflation, "age")
    for unit in ("cell", "pseudobulk"):
        assert of_age[unit, "random"] > 0.5
        assert of_age[unit, "donor"] < 0.1
        assert of_age[unit, "dataset"] < 0.1
    found = random_split_is_not_better(inflation)
    assert not found.holds
    assert "2 of 4 comparisons, most for age by cell: a score of 0.74, which is -0." in found.message
    assert found.figures["age_cell_donor"] < 0.1


def test_a_true_signal_is_found_by_every_split() -> None:
    inflation = measure_inflation(draw_sample(age_effect=0.5, donor_effect=0.2))
    for task in ("age", "cell_type"):
        assert min(scores(inflation, task).values()) > 0.9
    assert random_split_is_not_better(inflation).holds


def test_without_any_signal_nothing_is_found_nor_gained() -> None:
    inflation = measure_inflation(draw_sample())
    assert max(scores(inflation, "age").values()) < 0.1
    assert random_split_is_not_better(inflation).holds


def test_the_same_cells_give_the_same_scores() -> None:
    sample = draw_sample(donor_effect=1.0, n_cells=6)
    assert measure_inflation(sample).equals(measure_inflation(sample))


def test_what_cannot_be_computed_says_why() -> None:
    sample = draw_sample(n_datasets=1, n_cells=6)
    without = measure_inflation(Sample(sample.rows.with_columns(age=NO_AGE), sample.expression))
    assert reasons(without, "age") == {"there are no ages"}
    assert reasons(without, "cell_type") == {None, "there is one dataset, or all of them share donors"}
    one_age = measure_inflation(
        Sample(sample.rows.with_columns(age=pl.lit(30, pl.Float32), cell_type=pl.lit("B")), sample.expression)
    )
    assert reasons(one_age, "age") == {"there are no two different ages"}
    assert reasons(one_age, "cell_type") == {"there are no two different cell types that two donors have"}
    assert random_split_is_not_better(one_age).message.startswith("There is nothing to compare: there are no")


def test_nine_donors_are_too_few_and_none_are_no_error() -> None:
    few = measure_inflation(draw_sample(n_donors=9))
    assert reasons(few, "age") == {"9 donors can be told apart and have ages; 10 are needed"}
    none = measure_inflation(draw_sample(n_cells=0))
    assert none["score"].null_count() == none.height == 12
    assert keeps_schema([none], LeakInflation).holds


def test_datasets_that_share_a_donor_are_held_out_together() -> None:
    """Otherwise the donor would be trained on in the one and tested on in the other."""
    sample = draw_sample(n_cells=6)
    shared = [f"dataset_{row % 2}" for row in range(sample.rows.height)]
    rows = sample.rows.with_columns(dataset_id=pl.Series(shared))
    by_dataset = measure_inflation(Sample(rows, sample.expression)).filter(split="dataset")
    assert set(by_dataset["reason"]) == {"there is one dataset, or all of them share donors"}


def test_pseudobulk_is_the_mean_of_a_type_of_a_person_in_a_dataset() -> None:
    rows = pl.DataFrame(
        {
            "person": ["Ann", "Bob", "Ann", "Ann"],
            "dataset_id": ["one", "one", "one", "two"],
            "fold": pl.Series([3, 1, 3, 3], dtype=pl.Int32),
            "age": pl.Series([30, 60, 32, 31], dtype=pl.Float32),
            "cell_type": ["B", "B", "B", None],
        }
    )
    sample = Sample(rows, np.array([[1, 0], [5, 5], [3, 2], [7, 7]], np.float32)).pseudobulk()
    assert sample.rows.select("dataset_id", "person", "cell_type", "age", "fold").rows() == [
        ("one", "Ann", "B", 31, 3),
        ("one", "Bob", "B", 60, 1),
        ("two", "Ann", None, 31, 3),
    ]
    assert sample.expression.tolist() == [[2, 1], [5, 5], [7, 7]]


def test_counts_are_taken_relative_to_the_depth_of_their_cell() -> None:
    counts = np.array([[1, 3], [10, 30], [0, 0]], np.float32)
    found = log_normalised(counts)
    assert found[0] == pytest.approx(np.log1p([2500, 7500]))
    assert found[1] == pytest.approx(found[0])
    assert not found[2].any()
