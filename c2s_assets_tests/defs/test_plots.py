import re

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from c2s_assets.defs import plots
from c2s_assets.defs.plots import cells_per_category

pytestmark = pytest.mark.pictures

# What a picture could stumble over; warnings are errors here, so none of it may cause one.
HOSTILE = [
    *(
        "T cell $\\frac{1}$",
        "$",
        "a$b$",
        "\\$x$",
        "^_{",
        "%s {x} {0}",
        "_hidden",
        "12",
        "2024-01-01",
        "nan",
        "inf",
    ),
    *(
        "血液",
        "خلية تائية",
        "👩‍🔬",
        "a\x00b",
        "a\x00",
        "\x1b[31mred",
        "line\nline\r\n\tline",
        "\u202eltr",
        "",
        " ",
        "x" * 10_000,
    ),
]


def test_a_label_in_a_script_that_the_font_lacks_is_drawn_without_a_warning() -> None:
    """Guards the terminal: warnings are errors here, and matplotlib has one for every such letter."""
    assert "data:image/png" in cells_per_category(pl.Series("tissue", ["血液", "blood"])).md_str


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_text_of_a_source_fails_a_picture(text: str) -> None:
    _draw_everything([text, "B cell", None], column=text, axes=(text, f"{text}2"))


@settings(max_examples=5, deadline=None)
@example(["", "", ""], "^$")
@given(
    st.lists(st.text(st.characters(codec="utf-8")), min_size=3, max_size=3),
    st.text(st.sampled_from("$\\^_{}n")),
)
def test_no_text_at_all_fails_a_picture(texts: list[str], formula: str) -> None:
    _draw_everything([*texts, formula], column=formula, axes=(texts[0], texts[1]))


def test_values_that_begin_alike_keep_bars_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    monkeypatch.setattr(plots, "_picture", lambda _, draw, **__: drawn.append(_n_bars(draw)))
    cells_per_category(pl.Series("cell_type", [f"{'x' * 50}{number}" for number in range(3)]))
    plots.cells_per_donor(_manifest([f"{'x' * 50}{number}" for number in range(3)]))
    assert drawn == [3, 3 * 3]  # of donors, one on each side


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        ([], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([9_000, 10_000], ["9000", "9200", "9400", "9600", "9800", "10000"]),
        ([3_000, 30_000], ["5,000", "10,000", "20,000"]),
        ([30, 40_000], ["100", "1,000", "10,000"]),
        ([1, 100_000_000], ["1", "100", "10,000", "1,000,000", "100,000,000"]),
    ],
    ids=["nothing", "alike", "a decade", "decades", "of all sizes"],
)
def test_counts_have_an_axis_by_size_with_plain_numbers(
    monkeypatch: pytest.MonkeyPatch, sums: list[float], expected: list[str]
) -> None:
    shown: list[list[str]] = []
    monkeypatch.setattr(plots, "_picture", lambda _, draw: shown.append(_labels_below(draw)))
    plots.counts_per_cell(np.array([0, *sums], np.float64), verdict="counts")
    assert shown == [expected]


@pytest.mark.parametrize("values", [[True, False, None], [1, 2, None]], ids=["booleans", "numbers"])
def test_values_that_are_no_texts_are_counted(values: list[object]) -> None:
    assert "data:image/png" in cells_per_category(pl.Series("n", values)).md_str


def test_the_words_beside_a_picture_are_text() -> None:
    shown = cells_per_category(pl.Series("](http://127.0.0.1/x)![", ["a"])).md_str
    assert re.match(r"!\[Cells per `\]\(http://127\.0\.0\.1/x\)!\[`\]\(data:image/png;base64,", shown)


def _draw_everything(texts: list[str | None], *, column: str, axes: tuple[str, str]) -> None:
    values = pl.Series(column, texts, dtype=pl.String)
    points = np.arange(2 * len(values), dtype=np.float32).reshape(-1, 2)
    counted = {
        "n_cells": range(len(values)),
        "n_donors": range(len(values)),
        "n_datasets": range(len(values)),
    }
    for picture in (
        cells_per_category(values),
        plots.embedding_by_category(points, values, axes=axes),
        plots.embedding_by_age(points, pl.Series([1.0] * len(values)), axes=axes),
        plots.cells_per_donor(_manifest(texts)),
        plots.cells_per_donor_and_type(_groups(texts)),
        plots.corpus_by_value(pl.DataFrame({"tissue": values, **counted})),
    ):
        assert picture is not None
        assert "](data:image/png;base64," in picture.md_str


def _groups(texts: list[str | None]) -> pl.DataFrame:
    """Cells of every type of every donor; a donor may be called as a type is."""
    donors = pl.DataFrame({"donor_uid": [text or "c/1" for text in texts]})
    types = pl.DataFrame({"cell_type": texts}, schema={"cell_type": pl.String})
    return donors.join(types, how="cross").with_row_index("n_cells", offset=1)


def _manifest(donors: list[str | None] | list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "donor_id": donors,
            "split": ["train"] * len(donors),
            "split_level": ["donor"] * len(donors),
            "n_cells": [3] * len(donors),
            "n_eligible": [3] * len(donors),
        },
        schema_overrides={"donor_id": pl.String},
    )


def _n_bars(draw: object) -> int:
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    draw(axes)  # type: ignore[operator]
    return len(axes.patches)


def _labels_below(draw: object) -> list[str]:
    """Draw, and read the labels of the axis that are in its range."""
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    draw(axes)  # type: ignore[operator]
    axes.figure.draw_without_rendering()
    low, high = axes.get_xlim()
    ticks = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    return [label.get_text() for place, label in ticks if low <= place <= high]


def test_without_a_group_of_cells_there_is_no_map_of_them() -> None:
    assert plots.cells_per_donor_and_type(_groups(["B cell"]).clear()) is None
    assert plots.cells_per_donor_and_type(_groups(["B cell"])) is not None
