"""`c2s look`: at files and at datasets, without adding or building anything."""

import gzip
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.feature_files import write_features
from c2s_assets_tests.spatial_stores import write_circles, write_image, write_table
from c2s_assets_tests.tissues import write_xenium
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake, write_toy_h5ad


def test_a_file_that_says_everything_needs_no_entry(tmp_path: Path) -> None:
    said = c2s("look", write_toy_h5ad(tmp_path / "atlas.h5ad"), lake=tmp_path / "none")
    assert said.status == 0, said.err
    line = next(line for line in said.out.splitlines() if line.startswith("  donor_id"))
    assert line.split(maxsplit=1)[1] == "4 values   donor_0 (15), donor_1 (15), donor_2 (15) ...   <- donor"
    assert "cells by side: 45 in train, 0 in validation, 15 in test" in said.out
    assert "datasets:" not in said.out
    assert "Nothing more has to be said of it" in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["atlas.h5ad"]


def test_what_is_left_out_and_what_is_wrong_is_told(tmp_path: Path) -> None:
    path = write_toy_h5ad(
        tmp_path / "atlas.h5ad", ages=(20, None), obs={"is_primary_data": [True, True, False] * 20}
    )
    with h5py.File(path, "a") as file:
        file["obs/complex"] = np.zeros(60, complex)
    said = c2s("look", path, lake=tmp_path / "none")
    assert "  20 cells left out, as copies (is_primary_data is false)\n" in said.out
    assert "  20 cells left out, without an age where others have one\n" in said.out
    assert "complex" in said.out
    assert "1 cannot be read and is left out, the first is obs/complex" in said.out


def test_a_mouse_of_24_in_a_column_of_numbers_is_24_months_old(tmp_path: Path) -> None:
    path = write_toy_h5ad(
        tmp_path / "mice.h5ad",
        ages=(),
        obs={"Age": [3, 18, 24] * 20},
        uns={"organism": "Mus musculus", "organism_ontology_term_id": "NCBITaxon:10090"},
    )
    said = c2s("look", path, lake=tmp_path / "none")
    assert said.out.endswith(
        "datasets:\n  mice:\n    age_column: Age   # 3 to 24\n"
        "    age_unit: months  # up to 24, and no Mus musculus is older than 5 years\n"
    )
    assert "60 of 60 cells have an age." in said.out


def test_an_aligned_image_beside_the_cells_of_xenium_is_proposed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    write_xenium(run)
    image, matrix = run / "Toy_he_image.ome.tif", run / "Toy_he_imagealignment.csv"
    image.touch()
    assert "spatial: {}" in c2s("look", run, lake=tmp_path / "none").out
    matrix.write_text("1,0,0\n0,1,0\n0,0,1\n")
    said = c2s("look", run, lake=tmp_path / "none")
    entry = yaml.safe_load(said.out[said.out.index("datasets:") :])["datasets"]["run"]
    assert entry["spatial"] == {"image": str(image), "alignment": str(matrix)}


def test_the_image_and_the_sections_of_a_store_of_spatialdata_are_proposed(tmp_path: Path) -> None:
    store, layout = tmp_path / "slides.zarr", make_lake(tmp_path)
    write_table(store, ["left", "right", "left"], [0, 0, 1])
    write_circles(store, "left", np.array([[5.0, 5], [20, 30]]), 4)
    write_circles(store, "right", np.array([[9.0, 7]]), 4)
    image = write_image(store, "he", np.full((40, 50, 3), 200, np.uint8))
    said = c2s("look", store, lake=layout.root)
    assert said.status == 0, said.err
    assert "# obsm has positions in a tissue; how many microns their unit is has to be added" in said.out
    entry = yaml.safe_load(said.out[said.out.index("datasets:") :])["datasets"]["slides"]
    assert entry["spatial"] == {"section_column": "region", "image": str(image)}
    added = c2s("add", store, lake=layout.root)
    assert ", made of a store of SpatialData" in added.out
    assert c2s("look", "slides", lake=layout.root).status == 0


def test_the_image_of_the_file_itself_is_proposed(tmp_path: Path) -> None:
    library = {
        "images": {"fullres": np.zeros((9, 9, 3), np.uint8)},
        "scalefactors": {"spot_diameter_fullres": 130.0},
    }
    path = write_toy_h5ad(
        tmp_path / "spots.h5ad", obsm={"spatial": np.ones((60, 2))}, uns={"spatial": {"toy": library}}
    )
    said = c2s("look", path, lake=tmp_path / "none")
    entry = yaml.safe_load(said.out[said.out.index("datasets:") :])["datasets"]["spots"]
    assert entry["spatial"] == {"image": "h5ad:fullres"}


def test_positions_in_a_tissue_are_noticed_where_the_file_says_their_scale(tmp_path: Path) -> None:
    spots = np.arange(60)
    path = write_toy_h5ad(
        tmp_path / "spots.h5ad",
        obs={"array_row": spots // 10, "array_col": 2 * (spots % 10) + spots // 10 % 2},
        obsm={"spatial": np.column_stack([spots % 10, spots // 10]) * 100.0},
    )
    said = c2s("look", path, lake=tmp_path / "none").out
    assert said.endswith("datasets:\n  spots:\n    spatial: {}  # obsm has positions in a tissue\n")
    scatter = write_toy_h5ad(tmp_path / "scatter.h5ad", obsm={"spatial": np.zeros((60, 2))})
    assert "datasets:" not in c2s("look", scatter, lake=tmp_path / "none").out


def test_a_scaled_matrix_is_told_with_the_way_out(tmp_path: Path) -> None:
    said = c2s("look", write_toy_h5ad(tmp_path / "a.h5ad", matrices="scaled X"), lake=tmp_path / "none")
    assert "  note  X was scaled" in said.out


def test_a_file_of_which_no_sentences_can_be_made_is_told_before_it_is_built(tmp_path: Path) -> None:
    peaks = [f"chr1:{start}-{start + 500}" for start in range(1000, 6000, 1000)]
    path = write_features(tmp_path / "atac.h5ad", peaks, var={"feature_types": ["Peaks"] * 5})
    said = c2s("look", path, lake=tmp_path / "none")
    assert "  note  No feature has a gene symbol" in said.out
    assert "Of 5 features these are no genes: 5 peak." in said.out
    assert "symbol_column" not in said.out


def test_what_becomes_an_h5ad_is_looked_at_too(tmp_path: Path) -> None:
    packed = tmp_path / "atlas.h5ad.gz"
    packed.write_bytes(gzip.compress(write_toy_h5ad(tmp_path / "x.h5ad", ages=()).read_bytes()))
    said = c2s("look", packed, lake=tmp_path / "none")
    assert said.status == 0, said.err
    assert "60 cells, 40 features" in said.out
    assert f"c2s add {packed}, and c2s build atlas" in said.err


def test_a_dataset_is_looked_at_by_its_id_under_its_entry(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "atlas", n_donors=0, obs={"who": ["a", "b"] * 30, "patient": ["c", "d", "e"] * 20})
    layout.settings.write_text("datasets: {atlas: {donor_column: who}}")
    said = c2s("look", "atlas", lake=layout.root)
    assert said.status == 0, said.err
    assert "  ok    2 donors, every cell has one." in said.out
    assert said.out.endswith("datasets:\n  atlas:\n    donor_column: who\n")
    assert not layout.datasets.exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nothing", "nothing is not a file or folder of this machine, nor a dataset of"),
        ("../x", "../x is not a file or folder of this machine"),
        ("https://example.org/a.h5ad", "is an address. Add it first, then look at it by its id"),
    ],
)
def test_what_cannot_be_looked_at_is_told(tmp_path: Path, source: str, message: str) -> None:
    said = c2s("look", source, lake=tmp_path / "none")
    assert said.status == 1
    assert message in said.err
    assert not (tmp_path / "none").exists()
