import polars as pl
import pytest

from c2s_assets.core.discover.refresh import Held
from c2s_assets.core.discover.selection import REASON, Selected
from c2s_assets.core.reports.terminal import label_lines, progress_text, selection_lines
from c2s_assets_tests.listing import list_datasets


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


def test_progress_is_a_bar_where_it_is_known_how_much_there_is():
    shown = progress_text(30, 120, unit="cells", seconds=3)
    assert shown == "[#####...............] 30 of 120 cells, 10 cells/s, 9 s left"
    assert progress_text(30, None, unit="MB", seconds=3) == "30 MB, 10 MB/s"
