"""Tests of what is published of the answers of a vision model."""

import polars as pl
import pytest

from c2s_assets.core.spatial.answers import (
    MOST_CHARACTERS,
    NO_TEXT,
    OF_DIAGNOSIS,
    OF_ITSELF,
    OTHER_LETTERS,
    TOO_LONG,
    cells_are_described,
    judge_answers,
    names_no_diagnosis,
)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Pale fibres run across.", "Pale fibres run across."),
        (' "**Pale** fibres\n\n- run\tacross."\u0000', "Pale fibres - run across."),
        (
            "A nucleus of about 5 \u00b5m, pink\u2013violet.",
            "A nucleus of about 5 \u03bcm, pink\u2013violet.",
        ),
        ("x" * MOST_CHARACTERS, "x" * MOST_CHARACTERS),
    ],
    ids=["as it is", "markup and lines", "units", "just short enough"],
)
def test_an_answer_becomes_one_line_of_plain_text(answer: str, text: str) -> None:
    assert judge_answers([answer]).rows() == [(text, None)]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, NO_TEXT),
        (" \n**\n", NO_TEXT),
        ("x" * (MOST_CHARACTERS + 1), TOO_LONG),
        ("\u7ec6\u80de", OTHER_LETTERS),
        ("I'm sorry, but I can't help with that.", OF_ITSELF),
        ("A pleomorphic nucleus.", OF_DIAGNOSIS),
        ("Consistent with ADENOCARCINOMA.", OF_DIAGNOSIS),
        ("Hyperchromatic nuclei, crowded.", OF_DIAGNOSIS),
        ("The tissue looks normal.", OF_DIAGNOSIS),
        ("A tu\u00admour.", OF_DIAGNOSIS),
        ("A \uff54\uff55\uff4d\uff4f\uff52.", OF_DIAGNOSIS),
        ("Grade 2 of 3.", OF_DIAGNOSIS),
    ],
    ids=[
        *(
            "none",
            "only markup",
            "long",
            "another script",
            "a refusal",
            "pleomorphic",
            "carcinoma",
            "hyperchromatic",
        ),
        *("normal", "soft hyphen", "wide letters", "grade"),
    ],
)
def test_an_answer_that_is_not_to_be_published_is_dropped_with_the_reason(
    answer: str | None, why: str
) -> None:
    assert judge_answers([answer]).rows() == [(None, why)]


@pytest.mark.parametrize(
    "text",
    [
        "A gradient from pale to dark.",
        "Cohesive, stained cells.",
        "Mitochondria are not seen.",
        "Uniform rows.",
    ],
)
def test_words_that_only_look_alike_are_kept(text: str) -> None:
    assert judge_answers([text])["machine_caption"].to_list() == [text]


def _rows(*answers: str | None, n_not_asked: int = 0) -> pl.DataFrame:
    asked = judge_answers(answers).with_columns(pl.lit("0" * 64).alias("prompt_sha256"))
    other = asked.clear(n_not_asked).with_columns(pl.lit("left out").alias("why_no_machine_caption"))
    return pl.concat([asked, other])


def test_how_many_cells_have_a_text_and_how_many_were_dropped_is_told() -> None:
    rows = _rows(*["Pale."] * 7, "A tumour.", "A tumour.", None, n_not_asked=90)
    described, named = cells_are_described(rows), names_no_diagnosis(rows)
    assert not described.holds
    assert described.message == (
        "7 of the 10 cells whose patches were sent to a model have a text, which no pathologist has "
        "reviewed. Of others the model's text has words of a diagnosis (2); the model gave no text (1). "
        "Another model may follow the instructions better."
    )
    assert described.figures == {"n_asked": 10, "n_described": 7, "frac_described": 0.7}
    assert named.holds
    assert named.figures == {"n_asked": 10, "n_dropped": 2, "frac_dropped": 0.2}


def test_a_text_with_words_of_a_diagnosis_would_not_be_published() -> None:
    rows = _rows("Pale.").with_columns(pl.lit("A Tumour.").alias("machine_caption"))
    found = names_no_diagnosis(rows)
    assert not found.holds
    assert found.rows is not None
    assert found.rows.height == 1


def test_where_nobody_was_asked_nothing_is_missing() -> None:
    rows = _rows(n_not_asked=3)
    assert cells_are_described(rows).holds
    assert names_no_diagnosis(rows).holds
