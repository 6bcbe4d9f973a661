"""Tests of what a vision model is asked about which cells."""

from dataclasses import replace

import polars as pl
import pytest

from c2s_assets.core.spatial.vision import (
    LEFT_OUT,
    NOT_STATED,
    SHOWS_NOTHING,
    Question,
    whom_not_to_ask,
    write_prompt,
)

QUESTION = Question("model", "prompt", b"cell", b"tissue")


@pytest.mark.parametrize(
    "other",
    [
        {"model": "another"},
        {"prompt": "another"},
        {"cell_patch": b"another"},
        {"tissue_patch": b"another"},
        {"model": "modelp", "prompt": "rompt"},
        {"cell_patch": b"cellt", "tissue_patch": b"issue"},
    ],
    ids=["model", "words", "cell", "tissue", "shifted words", "shifted images"],
)
def test_questions_that_differ_in_anything_have_different_digests(other: dict[str, str]) -> None:
    assert replace(QUESTION, **other).digest != QUESTION.digest == replace(QUESTION).digest


def test_the_prompt_says_how_wide_the_images_are_forbids_a_diagnosis_and_ends_with_the_facts() -> None:
    prompt = write_prompt("A spot in {brain}.", cell_um=16.0, tissue_um=199.99998)
    assert "The first is 16 x 16 um, the\nsecond 200 x 200 um" in prompt
    assert "name no disease, no tumour, no grade and no\ndiagnosis" in prompt
    assert prompt.endswith("\nFacts: A spot in {brain}.")


def _cells(n: int) -> pl.DataFrame:
    numbers = pl.DataFrame({"number": range(n)})
    return numbers.select(
        pl.format("cell {}", "number").alias("cell_id"),
        (pl.col("number") != 0).alias("has_place"),
        (pl.col("number") == 1).alias("is_blank"),
    )


def test_of_more_cells_those_of_fewer_are_asked_about_first() -> None:
    few, more, all_of_them = (whom_not_to_ask(_cells(100), most=most) for most in (10, 30, 1_000))
    assert few.null_count() == 10
    assert more.null_count() == 30
    assert more.filter(few.is_null()).null_count() == 10
    assert all_of_them.to_list()[:3] == ["it has no place in the tissue", SHOWS_NOTHING, None]
    assert all_of_them.null_count() == 98
    assert set(few.drop_nulls()[2:]) == {LEFT_OUT}


def test_without_a_model_nobody_is_asked() -> None:
    assert whom_not_to_ask(_cells(3), most=None).to_list() == [NOT_STATED] * 3
    assert whom_not_to_ask(_cells(0), most=10).to_list() == []
