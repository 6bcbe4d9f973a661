"""Tests of sides within a tissue."""

import numpy as np
import polars as pl
from scipy.spatial.distance import cdist

from c2s_assets.core.spatial.calibration import Calibration
from c2s_assets.core.spatial.dividing import Division, divide_tissue
from c2s_assets.core.spatial.sample import SpatialSample, place_cells
from c2s_assets.core.splits.spec import SplitSpec

SPEC = SplitSpec()


def _sample(
    n_cells: int = 3_000, *, width_um: float = 6_000.0, labels: pl.Series | None = None
) -> SpatialSample:
    places = np.random.default_rng(0).uniform(0, width_um, (n_cells, 2))
    return place_cells(places, calibration=Calibration(1.0, "um_per_unit", {}), unit="cell", labels=labels)


def _divide(sample: SpatialSample, *, pieces: pl.Series | None = None, has_image: bool = True) -> Division:
    return divide_tissue(sample, spec=SPEC, pieces=pieces, has_image=has_image)


def _nearest(sample: SpatialSample, division: Division, one: str, other: str) -> float:
    sides = division.sides.gather(sample.cells)
    places = [sample.xy_um[(sides == side).fill_null(False).to_numpy()] for side in (one, other)]
    return float(cdist(*places).min())


def test_sides_of_a_section_are_blocks_that_lie_apart() -> None:
    sample = _sample()
    division = _divide(sample)
    assert (division.level, division.buffer_um) == ("block", 300)
    assert division.sides.value_counts().sort("split").rows() == [
        (None, 223),
        ("test", 150),
        ("train", 2_477),
        ("validation", 150),
    ]
    for one, other in (("train", "test"), ("train", "validation"), ("validation", "test")):
        assert _nearest(sample, division, one, other) >= 300
    assert division.sides.equals(_divide(sample).sides)


def test_a_small_section_has_no_validation_side() -> None:
    division = _divide(_sample(100, width_um=900))
    assert set(division.sides) == {"train", "test", None}
    assert (division.sides == "test").sum() == 5


def test_cells_without_a_place_are_on_no_side() -> None:
    places = np.array([[np.nan, 0.0], *([x, 0.0] for x in range(0, 10_000, 100))])
    sample = place_cells(places, calibration=Calibration(1.0, "um_per_unit", {}), unit="spot")
    division = _divide(sample)
    assert division.sides[0] is None
    assert division.buffer_um == 305


def test_sections_that_may_lie_next_to_each_other_stay_together() -> None:
    labels = pl.Series(np.repeat(["a", "b", "c", "d"], 750))
    sample = _sample(labels=labels)
    assert _divide(sample).level == "tissue"
    assert set(_divide(sample).sides) == {"train"}
    pieces = labels.replace({"b": "a"})
    division = _divide(sample, pieces=pieces, has_image=False)
    assert division.level == "section"
    sides = pl.DataFrame({"piece": pieces, "split": division.sides}).unique().sort("split")
    assert sides["split"].to_list() == ["test", "train", "train"]


def test_sections_of_one_image_keep_their_distance_too() -> None:
    labels = pl.Series(np.repeat(["a", "b"], 1_500))
    sample = _sample(labels=labels)
    division = _divide(sample, pieces=labels, has_image=True)
    apart = _divide(sample, pieces=labels, has_image=False)
    # They lie on top of each other, so that nothing is left of train.
    assert set(division.sides) == {"test", None}
    assert set(apart.sides) == {"test", "train"}
