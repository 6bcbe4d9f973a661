"""What is built of a dataset whose cells have places in a tissue."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tifffile
from numpy.typing import NDArray

from c2s_assets.schemas.registry import TABLES, upstream
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.holdings import due_tables
from c2s_assets.storage.images.picture import as_png, decoded
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.adding import Wish, add_path
from c2s_assets_tests.defs.building import (
    Workshop,
    broken,
    build_only,
    debris,
    failures,
    files_below,
    open_workshop,
)
from c2s_assets_tests.defs.building import build as build_tables
from c2s_assets_tests.spatial_stores import (
    affine,
    lies,
    moved,
    one_after_the_other,
    scaled,
    write_image,
    write_polygons,
    write_table,
)
from c2s_assets_tests.tissues import square, write_xenium
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

PAIRS = (
    "ligand,receptor,annotation\nGENE1,GENE2,Secreted Signaling\nGENE3_GENE4,GENE5,Cell-Cell Contact\nX,Y,\n"
)
# Spots of Visium, 10 x 6 of them, every other row between those of the row before; 0.5 um a pixel.
ROW, COLUMN = (axis.ravel() for axis in np.mgrid[0:6, 0:20:2])
COLUMN = COLUMN + ROW % 2
SPOTS = {
    "obs": {"array_row": ROW, "array_col": COLUMN, "in_tissue": (np.arange(60) != 7).astype(int)},
    "obsm": {"spatial": np.round(np.column_stack([COLUMN * 50.0, ROW * 86.60254]) / 0.5)},
    "uns": {"spatial": {"toy": {"scalefactors": {"spot_diameter_fullres": 130.0}}}},
}


def _lake(tmp_path: Path, *, spatial: str = "{}", **options: Any) -> Layout:
    layout = make_lake(tmp_path)
    (tmp_path / "pairs.csv").write_text(PAIRS)
    layout.settings.write_text(
        f"communication: {{pairs: {tmp_path / 'pairs.csv'}}}\ndatasets: {{toy: {{spatial: {spatial}}}}}\n"
    )
    drop_toy_h5ad(layout, "toy", **options)
    return layout


def _build(workshop: Workshop, *wanted: str) -> Any:
    """Build some tables and what they are made of; by default those of a tissue that are due."""
    due = due_tables(Dataset(workshop.layout, "toy", read_settings(workshop.layout)))
    tables = upstream(wanted or [name for name in due if TABLES[name].asked_by])
    return build_tables(workshop.instance, workshop.definitions, "toy", assets=tables)


def test_spots_of_visium_hear_each_other(tmp_path: Path) -> None:
    layout = _lake(tmp_path, **SPOTS)
    with open_workshop(layout) as workshop:
        report = _build(workshop)
        pairs, table, sums = (
            workshop.read(name, "toy")
            for name in ("ligand_receptor_pairs", "cell_communication", "section_communication")
        )
    assert failures(report) == {}
    [figures] = [step.figures for step in report.steps if step.asset == "cell_communication"]
    assert {"n_neighbours", "score_received", "score_sent", "section", "strongest_pairs"} <= set(figures)
    assert {"ligand_receptor_pairs/pairs_are_measured", "cell_communication/cells_have_places"} <= broken(
        report
    )
    assert pairs.rows() == [
        (0, "GENE1", "GENE2", False, True),
        (1, "GENE3_GENE4", "GENE5", True, True),
        (None, "X", "Y", False, False),
    ]
    assert table["section"].is_null().to_list() == [row == 7 for row in range(60)]
    # Spots are 100 um apart; around each of the middle 18 lie within 200 um, six of them just so.
    assert table["n_neighbours"].max() == 18
    assert set(table["received_pair_index"].list.explode().drop_nulls()) == {0, 1}
    assert float(table["x_um"][1]) == pytest.approx(100, rel=1e-2)
    assert sums.select("section", "pair_index", "ligand", "receptor").rows() == [
        ("section", 0, "GENE1", "GENE2"),
        ("section", 1, "GENE3_GENE4", "GENE5"),
    ]
    assert sums["score_sum"].sum() == pytest.approx(table["score_received"].sum(), rel=1e-5)
    assert (sums["n_contacts"] >= sums["n_hearing"]).all()
    heard_by_one = table["received_pair_index"].list.contains(1)
    assert sums["n_hearing"][1] == heard_by_one.sum() > 0
    assert sums["score_per_cell"][1] == pytest.approx(sums["score_sum"][1] / 59, rel=1e-6)
    assert sums["score_per_contact"][1] == pytest.approx(sums["score_sum"][1] / sums["n_contacts"][1])


def test_who_does_not_say_that_a_dataset_is_spatial_gets_none_of_it(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    due = due_tables(Dataset(layout, "toy", read_settings(layout)))
    assert not [name for name in due if TABLES[name].asked_by]


def test_who_materializes_everything_gets_all_but_what_the_dataset_does_not_ask_for(tmp_path: Path) -> None:
    """Dagster passes over whatever depends on what was passed over; the report must not."""
    with open_workshop(make_lake(tmp_path, "toy")) as workshop:
        result = build_only(workshop, "toy", *TABLES)
        logged = [entry.user_message for entry in workshop.instance.all_logs(result.run_id)]
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert result.success
    assert made == {name for name, declared in TABLES.items() if not declared.asked_by}
    assert any("toy does not ask for slide_images. State spatial.image" in message for message in logged)


@pytest.mark.parametrize(
    ("spatial", "options", "message"),
    [
        ("{}", {}, "obsm has no spatial or X_spatial; it has: X_umap. Name the array"),
        ("{coordinates: X_umap}", {}, "nothing says how many microns a pixel is"),
        ("{um_per_unit: 1.0}", SPOTS, "They are 50% apart"),
        ("{section_column: slide}", SPOTS, "obs has no column 'slide', which datasets.yaml names"),
        (
            "{coordinates: wide, um_per_unit: 1.0}",
            {"obsm": {"wide": np.zeros((60, 9))}},
            r"obsm/wide has the shape \(60, 9\), which is none of positions",
        ),
    ],
)
def test_what_does_not_say_where_cells_are_is_refused(
    tmp_path: Path, spatial: str, options: dict[str, Any], message: str
) -> None:
    layout = _lake(tmp_path, spatial=spatial, **options)
    with open_workshop(layout) as workshop:
        report = _build(workshop)
    assert set(failures(report)) == {"cell_attributes", "cell_communication"}
    assert pl.Series([failures(report)["cell_communication"]]).str.contains(message).all()
    assert not layout.parts("cell_communication", "toy").exists()


def test_pairs_of_which_none_is_measured_are_refused(tmp_path: Path) -> None:
    layout = _lake(tmp_path, **SPOTS)
    (tmp_path / "pairs.csv").write_text("ligand,receptor\nX,Y\n")
    with open_workshop(layout) as workshop:
        report = _build(workshop)
    assert "none of the 1 pairs of ligand and receptor is measured" in failures(report)["cell_communication"]


def test_sections_of_one_file_do_not_hear_each_other(tmp_path: Path) -> None:
    slides = np.repeat(["one", "two"], 30)
    options = {"obs": {"slide": slides}, "obsm": {"spatial": np.tile(np.arange(30.0), (2, 2)).T * 20}}
    layout = _lake(tmp_path, spatial="{section_column: slide, um_per_unit: 1}", **options)
    with open_workshop(layout) as workshop:
        assert failures(_build(workshop)) == {}
        table = workshop.read("cell_communication", "toy")
    senders = table.select("section", sender=pl.col("sender_index")).explode("sender")
    assert (slides[senders["sender"].drop_nulls()] == senders.drop_nulls()["section"].to_numpy()).all()


def _stains() -> NDArray[np.uint8]:
    """An image of the spots, each in a colour of its own: 130 px wide discs on a grey slide."""
    pixels = np.full((1400, 2200, 3), 200, np.uint8)
    y, x = np.mgrid[-65:66, -65:66]
    disc = x**2 + y**2 < 65**2
    for spot, (left, top) in enumerate(SPOTS["obsm"]["spatial"].astype(int) + 100 - 65):
        pixels[top : top + 131, left : left + 131][disc] = (spot * 4, 255 - spot * 4, 40)
    return pixels


def test_patches_show_the_cells_that_they_are_of(tmp_path: Path) -> None:
    moved = {**SPOTS, "obsm": {"spatial": SPOTS["obsm"]["spatial"] + 100}}
    layout = _lake(tmp_path, spatial="{image: slide.png}", **moved)
    (layout.root / "slide.png").write_bytes(as_png(_stains()))
    with open_workshop(layout) as workshop:
        assert failures(_build(workshop, "image_patches")) == {}
        patches, slides = workshop.read("image_patches", "toy"), workshop.read("slide_images", "toy")
    assert patches["cell_patch"].is_null().to_list() == [row == 7 for row in range(60)]
    for spot, row in enumerate(patches.rows(named=True)):
        if spot != 7:
            cell, tissue = decoded(row["cell_patch"]), decoded(row["tissue_patch"])
            assert (cell == (spot * 4, 255 - spot * 4, 40)).all()
            assert tissue.shape == (224, 224, 3)
            assert abs(tissue[112, 112].astype(int) - cell[32, 32]).max() < 12
            assert row["cell_is_blank"]
            assert not row["tissue_is_blank"]
    assert slides.drop("slide").rows() == [("section", 2200, 1400, pytest.approx(0.5, rel=1e-3))]
    assert decoded(slides["slide"][0]).shape == (326, 512, 3)


def test_a_tile_that_is_damaged_in_the_middle_leaves_what_was_there(tmp_path: Path) -> None:
    moved = {**SPOTS, "obsm": {"spatial": SPOTS["obsm"]["spatial"] + 100}}
    layout = _lake(tmp_path, spatial="{image: slide.tif}", **moved)
    slide = layout.root / "slide.tif"
    says: Any = {"tile": (256, 256), "compression": "jpeg", "photometric": "rgb"}
    with tifffile.TiffWriter(slide) as tiff:  # its whole is shown by the smaller copy, which stays as it is
        tiff.write(_stains(), subifds=1, **says)
        tiff.write(_stains()[::2, ::2], subfiletype=1, **says)
    with open_workshop(layout) as workshop:
        assert failures(_build(workshop, "image_patches")) == {}
        before = files_below(layout.parts("image_patches", "toy"))
        with tifffile.TiffFile(slide) as tiff:
            offsets, sizes = tiff.pages[0].dataoffsets, tiff.pages[0].databytecounts
        tile = 2 * 9 + 4  # of nine in a row
        with slide.open("r+b") as file:
            file.seek(offsets[tile])
            file.write(bytes(sizes[tile]))
        again = build_only(workshop, "toy", "slide_images", "image_patches")
        failed = again.failure_data_for_node("image_patches")
    assert failed is not None
    assert failed.user_failure_data is not None
    assert "slide.tif cannot be read at tile (2, 4) of level 0" in str(failed.user_failure_data.description)
    assert files_below(layout.parts("image_patches", "toy")) == before
    assert debris(layout) == []


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((1400, 2200, 3), np.uint8), r"the image is of one colour, \(0, 0, 0\)"),
        (_stains()[:300], "of 60 cells lie in the image"),
    ],
)
def test_an_image_that_does_not_show_the_cells_is_refused(
    tmp_path: Path, pixels: NDArray[np.uint8], message: str
) -> None:
    layout = _lake(tmp_path, spatial="{image: slide.png}", **SPOTS)
    (layout.root / "slide.png").write_bytes(as_png(pixels))
    with open_workshop(layout) as workshop:
        report = _build(workshop)
    assert re.search(message.replace("60", "59"), failures(report)["slide_images"])
    assert not layout.parts("image_patches", "toy").exists()
    assert layout.parts("cell_communication", "toy").exists()


def test_exchanged_axes_are_refused_until_their_order_is_stated(tmp_path: Path) -> None:
    right = SPOTS["obsm"]["spatial"] * 0.5 + (1_000, 100)
    wrong = {
        **SPOTS,
        "obsm": {"spatial": right[:, ::-1]},
        "uns": {"spatial": {"toy": {"scalefactors": {"spot_diameter_fullres": 65.0}}}},
    }
    layout = _lake(tmp_path, spatial="{image: slide.png}", **wrong)
    slide = np.full((2200, 2200, 3), 240, np.uint8)
    slide[50:600, 950:2050] = _stains()[:550, :1100]
    (layout.root / "slide.png").write_bytes(as_png(slide))
    with open_workshop(layout) as workshop:
        problem = failures(_build(workshop, "image_patches"))["slide_images"]
        assert re.search(r"of 59 cells lie on tissue; 100.0% would if x were y\. .* state axes: yx", problem)
        assert not layout.table("slide_images", "toy").exists()
        text = layout.settings.read_text()
        layout.settings.write_text(text.replace("slide.png", "slide.png, axes: yx"))
        assert failures(_build(workshop, "image_patches")) == {}
        patches = workshop.read("image_patches", "toy")
    np.testing.assert_allclose(patches.select("x_px", "y_px")[:7].to_numpy(), right[:7])


def test_an_image_too_coarse_for_cells_is_refused(tmp_path: Path) -> None:
    coarse = {
        "obs": {**SPOTS["obs"]},
        "obsm": {"spatial": SPOTS["obsm"]["spatial"] / 10},
        "uns": {"spatial": {"toy": {"scalefactors": {"spot_diameter_fullres": 13.0}}}},
    }
    layout = _lake(tmp_path, spatial="{image: slide.png}", **coarse)
    (layout.root / "slide.png").write_bytes(as_png(_stains()[::10, ::10]))
    with open_workshop(layout) as workshop:
        report = _build(workshop)
    assert set(failures(report)) == {"image_patches"}
    assert "a pixel is 5 um. A cell of 10 um is 2.0 of them" in failures(report)["image_patches"]


def test_attributes_say_where_spots_are_and_what_is_no_label(tmp_path: Path) -> None:
    clusters = np.where(np.arange(60) < 3, "7", "B cell")
    layout = _lake(
        tmp_path, spatial="{image: slide.png}", **{**SPOTS, "obs": {**SPOTS["obs"], "cell_type": clusters}}
    )
    with open_workshop(layout) as workshop:
        report = build_tables(
            workshop.instance, workshop.definitions, "toy", assets=upstream(["cell_attributes"])
        )
        rows = workshop.read("cell_attributes", "toy")
    assert failures(report) == {}
    assert "cell_attributes/labels_are_plausible" in broken(report)
    assert rows["section"].is_null().to_list() == [row == 7 for row in range(60)]
    assert rows["x_px"][1] == SPOTS["obsm"]["spatial"][1, 0]
    assert rows.select("cell_diameter_um", "diameter_basis").unique().rows() == [(55, "spot")]


# An H&E of 0.25 um a pixel, lying on its side, on the morphology image of 0.2 um.
ON_ITS_SIDE = "0,1.25,-50\n-1.25,0,700\n0,0,1\n"


def _on_its_side(x_um: float, y_um: float) -> tuple[int, int]:
    return round((700 - y_um / 0.2) / 1.25), round((x_um / 0.2 + 50) / 1.25)


def test_a_folder_of_xenium_becomes_cells_with_outlines_and_patches_of_an_aligned_image(
    tmp_path: Path,
) -> None:
    layout = _lake(tmp_path, spatial="{image: he.png, alignment: he.csv}")
    layout.inbox_h5ad("toy").unlink()
    cells = write_xenium(tmp_path / "run", pixel_size=0.2)
    add_path(layout, tmp_path / "run", Wish(dataset_id="toy"))
    stained, (y, x) = np.full((420, 640, 3), 230, np.uint8), np.mgrid[:420, :640]
    for number, centre in enumerate(cells.select("x_centroid", "y_centroid").rows()):
        column, row = _on_its_side(*centre)
        stained[(x - column) ** 2 + (y - row) ** 2 < 46**2] = (number * 60, 200, 90)
    (layout.root / "he.png").write_bytes(as_png(stained))
    (layout.root / "he.csv").write_text(ON_ITS_SIDE)
    with open_workshop(layout) as workshop:
        made = build_only(workshop, "toy", *upstream(["cell_attributes", "cell_outlines", "image_patches"]))
        attributes, outlines, patches = (
            workshop.read(name, "toy") for name in ("cell_attributes", "cell_outlines", "image_patches")
        )
    assert not made.failure_data_for_node("image_patches")
    assert attributes["cell_id"].to_list() == cells["cell_id"].to_list()
    assert attributes["x_um"].to_list() == pytest.approx([60, 40, 20, 0])
    assert attributes["st_technology"].unique().to_list() == ["Xenium"]
    assert attributes["cell_diameter_um"].to_list() == pytest.approx(2 * np.sqrt(cells["cell_area"] / np.pi))
    corners = [_on_its_side(*corner) for corner in [(65, 20), (75, 20), (75, 30), (65, 30)]]
    assert np.column_stack(outlines.row(0)[1:]) == pytest.approx(np.array(corners))
    for number, patch in enumerate(patches["cell_patch"]):
        assert (decoded(patch)[2:-2, 2:-2] == (number * 60, 200, 90)).all()


def _in_the_store(x: float, y: float) -> tuple[int, int]:
    """Say which pixel of the image shows a place: it lies on its side, at 0.5 units a pixel."""
    return round((y - 40) / 0.5), round((900 - x) / 0.5)


def test_a_store_of_spatialdata_becomes_cells_with_patches_of_its_own_image(tmp_path: Path) -> None:
    store, centres = tmp_path / "slide.zarr", np.array([[700.0, 300], [500, 100], [300, 240], [820, 170]])
    layout = _lake(tmp_path, spatial=f"{{image: {store}/images/he, um_per_unit: 0.5}}")
    layout.inbox_h5ad("toy").unlink()
    corners = [square(x - 25, y - 25, 50) for x, y in centres]
    shapes = [[[(x - 100) / 2, y / 2] for x, y in ring] for ring in corners]  # a unit of theirs is two
    write_table(store, "cells", [3, 1, 0, 2], assay=["MERFISH"] * 4)
    write_polygons(
        store,
        "cells",
        {number: [ring] for number, ring in enumerate(shapes)},
        places=[lies(one_after_the_other(scaled(2, 2), moved(100, 0)))],
    )
    add_path(layout, store, Wish(dataset_id="toy"))
    stained, (row, column) = np.full((1600, 640, 3), 230, np.uint8), np.mgrid[:1600, :640]
    for number, (x, y) in enumerate(_in_the_store(*centre) for centre in centres):
        stained[(column - x) ** 2 + (row - y) ** 2 < 94**2] = (number * 60, 200, 90)
    on_its_side = affine([[1, 0, 0, 0], [0, 0, 0.5, 40], [0, -0.5, 0, 900]], axes="cyx")
    image = write_image(store, "he", stained, places=[lies(on_its_side, axes="cyx")], n_levels=2)
    with open_workshop(layout) as workshop:
        wanted = upstream(["cell_attributes", "cell_outlines", "image_patches"])
        made = build_only(workshop, "toy", *wanted)
        attributes, outlines, patches = (
            workshop.read(name, "toy") for name in ("cell_attributes", "cell_outlines", "image_patches")
        )
        dataset = Dataset(layout, "toy", read_settings(layout))
        assert dataset.state()["image_patches"].standing == "built"
        write_image(store, "he", stained // 2, places=[lies(on_its_side, axes="cyx")])
        assert dataset.state()["image_patches"].standing == "outdated"
    assert made.success
    assert image.is_dir()
    assert attributes["x_um"].to_list() == pytest.approx([260, 100, 200, 0])
    assert attributes["cell_diameter_um"].to_list() == pytest.approx([2 * np.sqrt(25**2 / np.pi)] * 4)
    own = [_in_the_store(*corner) for corner in corners[3][:4]]
    assert np.column_stack(outlines.row(0)[1:]) == pytest.approx(np.array(own))
    for number, patch in zip([3, 1, 0, 2], patches["cell_patch"], strict=True):
        assert (decoded(patch)[2:-2, 2:-2] == (number * 60, 200, 90)).all()


def test_of_a_tissue_of_one_donor_blocks_are_held_out_of_train(tmp_path: Path) -> None:
    """The donor is on one side in the whole lake, without the cells that records are tested on."""
    places = np.random.default_rng(0).uniform(0, 3_000, (300, 2))
    layout = _lake(
        tmp_path, spatial="{um_per_unit: 1}", n_obs=300, n_donors=1, ages=(30,), obsm={"spatial": places}
    )
    with open_workshop(layout) as workshop:
        tables = upstream(["train_test"])
        report = build_tables(workshop.instance, workshop.definitions, "toy", assets=tables)
        manifest, sides = workshop.read("split_manifest", "toy"), workshop.train_test("toy")
    assert failures(report) == {}
    row = manifest.row(0, named=True)
    assert (manifest.height, row["split"], row["n_cells"]) == (1, "train", 300)
    assert row["n_copies"] == len(row["copy_index"]) > 15
    assert sides["side"].unique().to_list() == ["train"]
    assert sides.height == row["n_eligible"] == 300 - row["n_copies"]
    held_out = {f"cell_{row:04d}" for row in row["copy_index"]}
    assert not held_out & set(sides["cell_id"])


def test_captions_say_what_is_known_of_each_spot(tmp_path: Path) -> None:
    moved = {**SPOTS, "obsm": {"spatial": SPOTS["obsm"]["spatial"] + 100}}
    layout = _lake(tmp_path, spatial="{image: slide.png}", **moved)
    (layout.root / "slide.png").write_bytes(as_png(_stains()))
    with open_workshop(layout) as workshop:
        tables = upstream(["captions"])
        report = build_tables(workshop.instance, workshop.definitions, "toy", assets=tables)
        rows = workshop.read("captions", "toy")
    assert failures(report) == {}
    assert rows["caption"].is_null().to_list() == [row == 7 for row in range(60)]
    assert rows["caption"][0].startswith("A spot in blood of Homo sapiens measured by ")
    assert (
        rows["caption"]
        .str.contains("Strongest signals that it receives, inferred from expression: GENE")
        .any()
    )
    assert not rows["caption_blind"].str.contains("cell|GENE").any()
    assert rows["nucleus_area_um2"].is_null().all()
