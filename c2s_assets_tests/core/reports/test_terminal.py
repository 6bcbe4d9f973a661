import polars as pl
import pytest

from c2s_assets.core.discover.refresh import Held
from c2s_assets.core.discover.selection import REASON, Selected
from c2s_assets.core.reports.terminal import answer_text, label_lines, selection_lines
from c2s_assets_tests.listing import list_datasets


@pytest.mark.parametrize(
    ("n_rows", "columns", "is_whole"), [(1, 2, True), (5, 2, True), (6, 2, False), (200, 1, True)]
)
def test_a_text_is_whole_where_it_is_to_be_read(n_rows, columns, is_whole):
    rows = pl.DataFrame({"message": ["x" * 500] * n_rows, "n": [1] * n_rows})
    assert ("x" * 500 in answer_text(rows[:, :columns])) == is_whole


def test_of_a_plan_only_the_drawing_is_shown():
    assert answer_text(pl.DataFrame({"explain_key": ["a"], "explain_value": ["┌─┐\n└─┘"]})) == "┌─┐\n└─┘"


@pytest.mark.parametrize(
    ("held", "state"),
    [
        (None, "to fetch"),
        (Held("v0", 0.0, is_built=True), "to fetch"),
        (Held("v1", 0.0, is_built=False), "to build, its h5ad is in the lake"),
        (Held("v1", 0.0, is_built=True), "in the lake"),
        (Held(None, 0.0, is_built=True, is_own=True), "a file of yours has its name"),
    ],
)
def test_a_selected_dataset_says_what_the_lake_has_of_it(held, state):
    record = {"dataset_id": "a", "dataset_version_id": "v1", "collection_id": "c", "cell_count": None}
    rows = list_datasets([record]).rows.with_columns(pl.lit("tissue blood").alias(REASON))
    lines = list(selection_lines(Selected(rows, []), {} if held is None else {"a": held}, n_listed=7))
    assert lines[0] == "1 of 7 datasets are selected: 0 cells, 0.0 GB of h5ad"
    assert lines[1].endswith(f"? cells        ? GB   {state}")
    assert lines[2] == "    without title   (tissue blood)"


def test_labels_are_listed_with_their_datasets_and_cells():
    counts = pl.DataFrame({"label": ["blood"], "n_datasets": [1200], "n_cells": [3_000_000]})
    assert [line.split() for line in label_lines(counts)] == [
        ["datasets", "cells", "label"],
        ["1,200", "3,000,000", "blood"],
    ]
