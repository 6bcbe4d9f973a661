"""Tests of what is said of each cell of a tissue."""

import numpy as np
import polars as pl
import pytest

from c2s_assets.core.spatial.attributes import attributes_of, labels_are_plausible
from c2s_assets.core.spatial.calibration import Calibration
from c2s_assets.core.spatial.sample import SpatialSample, place_cells
from c2s_assets.core.spatial.spec import Unit

OBS = pl.DataFrame(
    {
        "cell_id": ["a", "b", "c"],
        "organism": ["Homo sapiens"] * 3,
        "tissue": ["lung"] * 3,
        "cell_type": ["B cell", None, "T cell"],
        "disease": ["lung adenocarcinoma"] * 3,
    }
)


def _sample(unit: Unit = "spot") -> SpatialSample:
    places = np.array([[10.0, 20.0], [np.nan, np.nan], [30.0, 60.0]])
    return place_cells(places, calibration=Calibration(0.5, "um_per_unit", {}), unit=unit)


def test_places_are_in_microns_and_in_pixels_of_the_image() -> None:
    rows = attributes_of(OBS, _sample(), disease_column=None, has_image=True)
    assert rows.select("cell_id", "section", "x_um", "y_um", "x_px", "y_px").rows() == [
        ("a", "section", 0, 0, 10, 20),
        ("b", None, None, None, None, None),
        ("c", "section", 10, 20, 30, 60),
    ]
    without = attributes_of(OBS, _sample(), disease_column=None, has_image=False)
    assert without["x_px"].is_null().all()


def test_the_disease_of_a_donor_is_none_of_its_cells() -> None:
    rows = attributes_of(OBS, _sample(), disease_column=None, has_image=False)
    assert rows["tissue_disease_state"].to_list() == ["lung adenocarcinoma"] * 3
    assert rows["cell_disease_state"].is_null().all()
    said = OBS.with_columns(pl.Series("malignant", ["yes", "no", None]))
    rows = attributes_of(said, _sample(), disease_column="malignant", has_image=False)
    assert rows["cell_disease_state"].to_list() == ["yes", "no", None]


def test_a_diameter_is_that_of_the_outline_else_what_was_printed() -> None:
    areas = OBS.with_columns(pl.Series("cell_area", [np.pi * 16, None, 0.0]))
    columns = ["cell_diameter_um", "diameter_basis"]
    rows = attributes_of(areas, _sample("spot"), disease_column=None, has_image=False).select(columns)
    assert rows.rows() == [(pytest.approx(8), "outline"), (55, "spot"), (55, "spot")]
    rows = attributes_of(areas, _sample("cell"), disease_column=None, has_image=False).select(columns)
    assert rows.rows() == [(pytest.approx(8), "outline"), (None, None), (None, None)]


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ("0", "is the number of a cluster"),
        ("nondisease", "is called 'normal' elsewhere"),
        ("cultured cell.", "says of no cell which one it is"),
        ("Unknown", "says nothing"),
        ("plasma cells of the lung.", "ends like a sentence"),
    ],
)
def test_a_label_that_is_none_is_named(label: str, why: str) -> None:
    obs = OBS.with_columns(pl.Series("cell_type", ["B cell", label, label]))
    found = labels_are_plausible(attributes_of(obs, _sample(), disease_column=None, has_image=False))
    assert not found.holds
    assert found.rows is not None
    assert found.rows.rows() == [("cell_type", label, 2, why)]


def test_labels_of_the_field_are_plausible() -> None:
    assert labels_are_plausible(attributes_of(OBS, _sample(), disease_column=None, has_image=False)).holds
