"""The HDF5 file of Cell-NET, as others read it."""

import json
from collections.abc import Iterator
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pytest
from scipy.sparse import vstack

from c2s_assets.core.errors import LakeError, MissingInputError
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.images.picture import decoded
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.spatial.cellnet import export_cellnet
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import Workshop
from c2s_assets_tests.tissue import built_tissue


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with built_tissue(tmp_path_factory.mktemp("cellnet")) as opened:
        yield opened


def test_a_cell_is_a_group_in_the_layout_of_cell_net(workshop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / "cells.h5"
    said = c2s("export", "cellnet", "toy", "--to", str(file), lake=workshop.layout.root)
    assert said.status == 0
    tables = {
        name: workshop.read(name, "toy").row(4, named=True)
        for name in ("image_patches", "expression", "captions", "cell_attributes")
    }
    table = workshop.read("cell_communication", "toy")
    with h5py.File(file) as opened:
        cell = opened["Cell_0005"]
        assert set(cell) == {"expression", "images", "attributes.json", "caption.txt", "CCC"}
        assert set(cell["images"]) == {"cell_patch", "tissue_patch", "WSI_patch"}
        expression = cell["expression"][()]
        assert expression.nonzero()[0].tolist() == tables["expression"]["feature_index"]
        assert expression[expression > 0].tolist() == tables["expression"]["value"]
        assert (cell["images/cell_patch"][()] == decoded(tables["image_patches"]["cell_patch"])).all()
        assert cell["images/WSI_patch"] == opened["shared/WSI/section"]
        assert cell["caption.txt"].asstr()[()] == tables["captions"]["caption"]
        attributes = json.loads(cell["attributes.json"].asstr()[()])
        assert attributes["source"] == "Homo sapiens"
        assert attributes["cell_disease_state"] == "unknown"
        assert attributes["tissue_disease_state"] == "normal"
        assert attributes["Position_in_tissue"] == f"({tables['cell_attributes']['x_um']:.1f}, " + (
            f"{tables['cell_attributes']['y_um']:.1f}) um"
        )
        rows = [ad.io.read_elem(opened[f"Cell_{number + 1:04d}/CCC"]) for number in range(table.height)]
        assert len(opened["shared/genes"]) == len(expression)
    heard = vstack(rows)
    assert heard.shape == (table.height, table.height)
    np.testing.assert_allclose(np.asarray(heard.sum(axis=1)).ravel(), table["score_received"], rtol=1e-5)


def test_a_file_that_is_there_stays_and_nothing_is_left_of_one_that_fails(
    workshop: Workshop, tmp_path: Path
) -> None:
    dataset = Dataset(workshop.layout, "toy", read_settings(workshop.layout))
    file = tmp_path / "cells.h5"
    file.write_text("mine")
    with pytest.raises(LakeError, match="is there already"):
        export_cellnet(dataset, file)
    assert file.read_text() == "mine"
    with pytest.raises(LakeError, match="cannot be written"):
        export_cellnet(dataset, tmp_path / "nowhere" / "cells.h5")


def test_a_dataset_without_records_says_what_to_build(workshop: Workshop, tmp_path: Path) -> None:
    dataset = Dataset(workshop.layout, "other", read_settings(workshop.layout))
    with pytest.raises(MissingInputError, match="cell_records is missing"):
        export_cellnet(dataset, tmp_path / "cells.h5")
    assert list(tmp_path.iterdir()) == []
