"""Tests of what is claimed of records and their sides."""

import numpy as np
import polars as pl

from c2s_assets.core.spatial.alignment import Alignment
from c2s_assets.core.spatial.calibration import Calibration
from c2s_assets.core.spatial.records import (
    RecordTally,
    expression_origin_is_stated,
    patches_share_no_pixels,
)
from c2s_assets.core.spatial.sample import place_cells

SIDES = pl.Series(["train", "test", None, "train"], dtype=pl.String)
RECORDS = pl.DataFrame(
    {
        "split": ["train", "test", "train"],
        "sender_index": [[2, 3], [2], [0]],
        "cell_is_blank": [False] * 3,
        "tissue_is_blank": [False, True, False],
        "tissue_inside_frac": [1.0, 0.5, 1.0],
    }
)


def _claims(records: pl.DataFrame) -> dict[str, bool]:
    tally = RecordTally(SIDES, n_placed=4)
    assert sum(block.height for block in tally.passing([records])) == records.height
    return {finding.claim: finding.holds for finding in tally.claims()}


def test_records_of_all_sides_hear_their_own_and_the_buffer() -> None:
    found = _claims(RECORDS)
    assert found == {"records_match_sides": True, "no_edge_across_sides": True, "patches_are_whole": False}


def test_a_record_that_hears_another_side_is_found() -> None:
    across = RECORDS.with_columns(pl.Series("sender_index", [[2, 3], [0], [0]]))
    assert not _claims(across)["no_edge_across_sides"]


def test_a_record_that_is_missing_is_found() -> None:
    assert not _claims(RECORDS.head(2))["records_match_sides"]


def test_patches_of_two_sides_share_pixels_within_their_window() -> None:
    for width, holds in ((199.0, False), (201.0, True)):
        places = np.array([[0.0, 0], [width, 0], [50, 0], [0, 90]])
        sample = place_cells(places, calibration=Calibration(1.0, "um_per_unit", {}), unit="cell")
        found = patches_share_no_pixels(sample, SIDES)
        assert found.holds is holds
        assert found.figures["n_sharing"] == int(not holds)


def test_patches_lie_along_the_axes_of_the_image_and_not_of_the_positions() -> None:
    """An H&E that lies askew: 220 um apart, but 156 along either of its axes."""
    half = np.sqrt(0.5)
    turned = Alignment(np.array([[half, half, 0], [-half, half, 0], [0, 0, 1]]))
    places = np.array([[0.0, 0], [220, 0], [50, 0], [0, 90]])
    sample = place_cells(
        places, calibration=Calibration(1.0, "um_per_unit", {}), unit="cell", alignment=turned
    )
    assert not patches_share_no_pixels(sample, SIDES).holds


def test_expression_that_is_neither_counts_nor_normalised_is_named() -> None:
    assert expression_origin_is_stated(layer="raw.X", kind="counts").holds
    assert "X, which is unknown" in expression_origin_is_stated(layer="X", kind="unknown").message
