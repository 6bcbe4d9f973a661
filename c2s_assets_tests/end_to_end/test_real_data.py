"""Real data sets, where the folder beside the checkout has them."""

from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
from PIL import Image

from c2s_assets.core.projections import manifold
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.adding import Wish, add_path
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import broken, failures, open_workshop
from c2s_assets_tests.toy import make_lake

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.exists(), reason="the folder of real data sets is not there"),
]

# None of them names donors or ages; what is left is said of each.
_NO_DONORS = {
    "cell_metadata/donors_are_known",
    "cell_metadata/ages_are_known",
    "split_manifest/splits_by_donor",
    "split_manifest/ages_are_balanced",
    "train_test/cells_have_ages",
    "pseudobulk/donors_are_known",
    "pseudocells/donors_are_known",
    "training_prompts/every_task_has_prompts",
    "validation_report/checks_hold",
}
# Without counts no copy of a cell is found, and nothing is added up.
_NO_COUNTS = {
    "cell_fingerprints/cells_have_counts",
    "pseudobulk/values_are_counts",
    "pseudocells/values_are_counts",
}
# UMAP and t-SNE of more are not asserted here, and take minutes.
_MOST_CELLS_EMBEDDED = 1_000
_LARGER = {"cell_sentences/cells_express_genes", "projections/projections_are_complete"}


@pytest.mark.parametrize(
    ("dataset_id", "n_cells", "verdict", "notes"),
    [
        ("pbmc68k_reduced", 700, ("raw.X", "normalised"), _NO_COUNTS),
        (
            "e18_mouse_brain_10k_cells_1k_genes",
            10_000,
            ("X", "counts"),
            _LARGER,
        ),
        ("mouse_3T3_C414_2500_cells", 2_500, ("X", "counts"), _LARGER),
        ("visium_mouse_brain_49spots", 49, ("X", "normalised"), _NO_COUNTS),
    ],
)
def test_a_real_dataset_is_built_whole(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    dataset_id: str,
    n_cells: int,
    verdict: tuple[str, str],
    notes: set[str],
) -> None:
    if n_cells > _MOST_CELLS_EMBEDDED:
        monkeypatch.setattr(manifold, "is_installed", lambda _: False)
    layout = make_lake(tmp_path)
    layout.inbox_h5ad(dataset_id).write_bytes((DATA / f"{dataset_id}.h5ad").read_bytes())
    with open_workshop(layout) as workshop:
        report = workshop.build(dataset_id)
        sentences = workshop.read("cell_sentences", dataset_id)
        features = workshop.read("feature_metadata", dataset_id)
        listed = workshop.train_test(dataset_id)

    assert report.succeeded, failures(report)
    assert broken(report) == _NO_DONORS | notes
    profile = next(step.figures for step in report.steps if step.asset == "dataset_profile")
    assert (profile["layer"], profile["verdict"]) == verdict
    assert sentences.height == listed.height == n_cells
    words = sentences["cell_sentence"].str.split(" ").list
    assert (words.n_unique() == words.len()).all()
    assert set(words.explode().unique()) - {""} <= set(features["symbol"].drop_nulls())
    if dataset_id in _OF_FEATURES:
        _OF_FEATURES[dataset_id](features)


def _tells_two_features_of_one_symbol_apart(features: pl.DataFrame) -> None:
    found = features.filter(pl.col("symbol") == "Rp1")["feature_id"].to_list()
    assert found == ["ENSMUSG00000025900", "ENSMUSG00000109048"]


def _knows_that_intron_and_exon_are_one_gene(features: pl.DataFrame) -> None:
    assert features.height == 31_269
    # 140 of the 21,123 names in gene_symbol, of 158 features, are Ensembl ids of genes without a symbol.
    assert features["symbol"].null_count() == 158
    assert features["symbol"].drop_nulls().n_unique() == 21_123 - 140
    assert features["is_duplicated_symbol"].sum() == 20_239


_OF_FEATURES = {
    "e18_mouse_brain_10k_cells_1k_genes": _tells_two_features_of_one_symbol_apart,
    "mouse_3T3_C414_2500_cells": _knows_that_intron_and_exon_are_one_gene,
}


def _spatial_lake(tmp_path: Path, dataset_id: str, *, image: Path | str) -> Layout:
    layout = make_lake(tmp_path)
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("ligand,receptor\n" + "\n".join(f"{one},{other}" for one, other in _PAIRS))
    layout.settings.write_text(
        f"communication: {{pairs: {pairs}}}\ndatasets: {{{dataset_id}: {{spatial: {{image: '{image}'}}}}}}\n"
    )
    return layout


# A table of LIANA's takes LIANA, which tests do not have; of these the file measures one.
_PAIRS = [("Apoe", "Lrp1"), ("Gad1", "Grm4"), ("Sst", "Sstr2"), ("Penk", "Oprd1"), ("Bdnf", "Ntrk2")]


def test_49_spots_with_their_image_give_49_records(tmp_path: Path) -> None:
    name = "visium_mouse_brain_49spots"
    layout = _spatial_lake(tmp_path, name, image=DATA / f"{name}_HE.jpg")
    layout.inbox_h5ad(name).write_bytes((DATA / f"{name}.h5ad").read_bytes())
    with open_workshop(layout) as workshop:
        report = workshop.build(name, "cell_records", "record_sides")
        accounts, records, patches, heard, spoken = (
            workshop.read(table, name)
            for table in ("record_sides", "cell_records", "image_patches", "cell_communication", "captions")
        )
    assert report.succeeded, failures(report)
    file = tmp_path / "records.h5"
    assert c2s("export", "cellnet", name, "--to", file, lake=layout.root).status == 0
    with h5py.File(file) as opened:
        cells = [opened[f"Cell_{number + 1:04d}"] for number in range(49)]
        assert "Cell_0050" not in opened
        shown = np.array([cell["images/tissue_patch"][()].mean(axis=(0, 1)) for cell in cells])
        captions = [cell["caption.txt"].asstr()[()] for cell in cells]
        totals = [float(cell["CCC/data"][()].sum()) for cell in cells]
    assert captions == spoken["caption"].to_list()
    assert all(text.startswith("A spot") for text in captions)
    assert totals == pytest.approx(heard["score_received"].to_list(), rel=1e-5)
    # What a patch shows is what the image has around the spot.
    with Image.open(DATA / f"{name}_HE.jpg") as image:
        pixels = np.asarray(image.convert("RGB"))
    half = round(100 / 0.7269)
    for colour, (x, y) in zip(shown, patches.select("x_px", "y_px").iter_rows(), strict=True):
        left, top = max(round(x) - half, 0), max(round(y) - half, 0)
        window = pixels[top : round(y) + half, left : round(x) + half]
        if window.shape == (2 * half, 2 * half, 3):
            assert colour == pytest.approx(window.mean(axis=(0, 1)), abs=3)
    # Few spots are far enough from those of another side, and each of the others says so.
    assert records.height == accounts["split"].count() == 18
    assert accounts.height == 49
    assert accounts.filter(pl.col("split").is_null())["why_on_no_side"].null_count() == 0


@pytest.mark.parametrize("is_square", [False, True])
def test_real_spots_whose_x_and_y_were_exchanged_are_refused_until_their_order_is_stated(
    tmp_path: Path, is_square: bool
) -> None:
    """The bounds of the image tell; on a square slide, of which it shows a part, the tissue does."""
    name = "visium_mouse_brain_49spots"
    layout = _spatial_lake(tmp_path, name, image=tmp_path / "slide.png")
    path = layout.inbox_h5ad(name)
    path.write_bytes((DATA / f"{name}.h5ad").read_bytes())
    with h5py.File(path, "r+") as file:
        file["obsm/spatial"][...] = file["obsm/spatial"][()][:, ::-1]
    with Image.open(DATA / f"{name}_HE.jpg") as tissue:
        slide = Image.new("RGB", (1800, 1800) if is_square else tissue.size, (236, 234, 238))
        slide.paste(tissue, (0, 0))
    slide.save(tmp_path / "slide.png")
    with open_workshop(layout) as workshop:
        problem = failures(workshop.build(name, "slide_images"))["slide_images"]
        text = layout.settings.read_text()
        layout.settings.write_text(text.replace("{image:", "{axes: yx, image:"))
        assert failures(workshop.build(name, "slide_images")) == {}
    if is_square:
        assert "55.1% of 49 cells lie on tissue; 100.0% would if x were y." in problem
    else:
        assert "With x and y exchanged 100.0% would: state axes: yx of spatial" in problem


def test_the_black_image_of_a_folder_of_visium_is_refused(tmp_path: Path) -> None:
    layout = _spatial_lake(tmp_path, "visium", image="h5ad:hires")
    add_path(layout, DATA / "visium" / "1.0.0", Wish(dataset_id="visium"))
    with open_workshop(layout) as workshop:
        report = workshop.build("visium", "cell_attributes", "image_patches")
        placed = workshop.read("cell_attributes", "visium")["section"].count()
    assert "the image is of one colour, (0, 0, 0)" in failures(report)["slide_images"]
    assert placed > 0
    assert not layout.parts("image_patches", "visium").exists()
