import re
import xml.etree.ElementTree as ET

import numpy as np
import polars as pl
import pytest

from c2s_assets.core.pages.drawings import (
    areas_by_place,
    bars,
    dots_by_name,
    dots_by_number,
    stacked_histogram,
)
from c2s_assets.core.reports.palette import GREY, GROUP_COLOURS, SIDE_COLOURS

POINTS = np.random.default_rng(0).normal(size=(8_000, 2)).astype(np.float32)
HOSTILE = "</svg><script>alert(1)</script>\u202e\" onload='x' &lt;"


def _parse(drawn: str) -> ET.Element:
    return ET.fromstring(drawn)  # noqa: S314  drawn by us


def test_a_bar_is_as_long_as_its_number() -> None:
    drawn = _parse(bars([("B cell", 100), ("T cell", 50)]))
    assert [float(bar.attrib["width"]) for bar in drawn.iter("rect")] == [200, 100]
    assert [words.text for words in drawn.iter("text")] == ["B cell", "100", "T cell", "50"]


def test_a_histogram_shows_all_values() -> None:
    drawn = stacked_histogram({"train": np.array([1.0, 1.0, 5.0]), "test": np.array([1.0])}, label="Age")
    counts = [int(words.text or 0) for words in _parse(drawn).iter("title")]
    assert sorted(counts) == [1, 1, 2]


def test_a_histogram_shows_sides_in_their_colours_whichever_are_there() -> None:
    drawn = _parse(stacked_histogram({"test": np.array([1.0]), "validation": np.array([2.0])}, label="Age"))
    legend = [bar.attrib["fill"] for bar in drawn.iter("rect")][-2:]
    assert legend == [SIDE_COLOURS["test"], SIDE_COLOURS["validation"]]


def test_an_area_is_as_high_as_its_share() -> None:
    shares = np.array([[100.0, 50.0], [100.0, 0.0]])
    drawn = areas_by_place(np.array([1, 9]), shares, keys=[("a", "#111111"), ("b", "#222222")], label="Place")
    heights = [
        [float(y) for y in re.findall(r"L[\d.]+ ([\d.]+)", area.attrib["d"])] for area in _areas(drawn)
    ]
    assert heights == [[0, 0, 300], [150, 300, 300]]


def test_an_area_of_one_place_is_drawn() -> None:
    _parse(areas_by_place(np.array([1]), np.array([[100.0]]), keys=[("a", "#111111")], label="Place"))


@pytest.mark.parametrize("values", [[3.0], []], ids=["one value", "none on one side"])
def test_a_histogram_of_little_is_drawn(values: list[float]) -> None:
    _parse(stacked_histogram({"train": np.array([3.0]), "test": np.array(values)}, label="Age"))


def test_twenty_names_have_twenty_colours_and_others_are_grey() -> None:
    names = pl.Series([f"type {number % 22}" for number in range(8_000)])
    shown = [f"type {number}" for number in range(20)]
    drawn = dots_by_name(POINTS, names, shown)
    strokes = re.findall(r'stroke="(#\w+)"', drawn)
    assert strokes == [GREY, *GROUP_COLOURS]
    assert len(set(GROUP_COLOURS)) == 20
    assert "20  type 19" in drawn
    assert ">other<" in drawn


def test_a_picture_of_8_000_cells_is_small() -> None:
    ages = pl.Series(np.linspace(20, 80, 8_000), dtype=pl.Float32)
    drawn = dots_by_number(POINTS, ages, label="Age (years)")
    assert 20_000 < len(drawn) < 100_000
    _parse(drawn)


def test_cells_at_one_place_and_without_an_age_are_drawn() -> None:
    drawn = dots_by_number(np.zeros((2, 2), np.float32), pl.Series([None, 30.0]), label="Age")
    assert drawn.count("<path") == 2


def test_no_text_of_a_source_is_markup() -> None:
    for drawn in (bars([(HOSTILE, 1)]), dots_by_name(POINTS[:1], pl.Series([HOSTILE]), [HOSTILE])):
        assert "<script" not in drawn
        assert all(tag.tag in ("svg", "path", "rect", "text", "circle") for tag in _parse(drawn).iter())


def _areas(drawn: str) -> list[ET.Element]:
    return list(_parse(drawn).iter("path"))
