import polars as pl
import pytest

from c2s_assets.core.reports.answers import draw_answer

WIDE = {f"column_{number:02}": ["x" * 30] * 6 for number in range(20)}


def test_of_a_plan_only_the_drawing_is_shown():
    rows = pl.DataFrame({"explain_key": ["a"], "explain_value": ["┌─┐\n└─┘"]})
    assert draw_answer(rows, width=80).text == "┌─┐\n└─┘"


def test_where_no_terminal_is_nothing_is_cut():
    rows = pl.DataFrame(WIDE | {"list": [["y" * 100] * 3] * 6})
    drawn = draw_answer(rows, width=None)
    assert drawn.left_out == ()
    assert drawn.text.count("x" * 30) == 120
    assert drawn.text.count("y" * 100) == 18


def test_a_text_that_stands_alone_is_whole():
    assert "x" * 500 in draw_answer(pl.DataFrame({"message": ["x" * 500] * 9}), width=80).text


@pytest.mark.parametrize("width", [60, 120, 200])
def test_no_line_is_longer_than_the_terminal(width):
    rows = pl.DataFrame(
        {
            "dataset_id": ["9deda9ad-6a71-401e-b909-5263919d85f9"] * 7,
            "self_reported_ethnicity_ontology_term_id": ["unknown"] * 7,
            "title": ["Single-cell atlas of 血液 " * 5] * 7,
            "tissues": [["blood", "bone marrow"] * 5] * 7,
            "n_cells": [1234567890] * 7,
        }
    )
    drawn = draw_answer(rows, width=width)
    assert max(map(len, drawn.text.splitlines())) <= width
    assert list(drawn.left_out) == ([] if width > 60 else ["title", "tissues", "n_cells"])
    assert width == 60 or "1234567890" in drawn.text


def test_a_cut_text_says_so_and_a_number_is_never_cut():
    rows = pl.DataFrame({"n": [123456789012345] * 6, "text": ["abcdefghij" * 8] * 6})
    drawn = draw_answer(rows, width=60).text
    assert "123456789012345" in drawn
    assert "abcdefghijabcdefghij" in drawn
    assert "…" in drawn


def test_columns_without_room_are_left_out_and_named():
    drawn = draw_answer(pl.DataFrame(WIDE), width=80)
    assert drawn.left_out == [f"column_{number:02}" for number in range(3, 20)]
    assert "column_02" in drawn.text


def test_few_rows_that_do_not_fit_have_a_line_for_each_value():
    rows = pl.DataFrame({f"column_{number:02}": [f"value {number}", None] for number in range(20)})
    drawn = draw_answer(rows.with_columns(last=pl.lit("x" * 200)), width=80)
    assert drawn.left_out == ()
    assert "column_19  value 19" in drawn.text
    assert max(map(len, drawn.text.splitlines())) == 80
    assert drawn.text.splitlines()[-1].startswith("last       xxx")


def test_an_answer_without_rows_shows_its_columns():
    assert "n_cells" in draw_answer(pl.DataFrame({"dataset_id": [], "n_cells": []}), width=80).text
