import json
from pathlib import Path

import h5py
import numpy as np

from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets_tests.storage.h5ad.files import write_counts


def test_every_element_is_described_in_order(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        file.create_dataset("uns/x", data=np.zeros((4, 2), np.int16), chunks=(2, 2), compression="gzip")
        file["uns/y"] = file["uns/x"]
        file["uns/z"] = h5py.Empty("f4")
        file["uns/type"] = np.dtype("f4")
    with open_h5ad(path) as h5ad:
        structure = h5ad.structure()
    by_path = {element["path"]: element for element in structure}
    assert list(by_path) == sorted(by_path)
    assert by_path["/X"] == {
        "path": "/X",
        "kind": "group",
        "encoding_type": "csr_matrix",
        "encoding_version": None,
    }
    x = by_path["/uns/x"]
    assert (x["shape"], x["dtype"], x["chunks"], x["compression"]) == ([4, 2], "int16", [2, 2], "gzip")
    assert x["size_bytes"] > 0
    assert by_path["/uns/y"] == {"path": "/uns/y", "kind": "link", "target": "/uns/x"}
    assert by_path["/uns/z"]["shape"] is None
    assert by_path["/uns/type"]["kind"] == "type"
    assert json.loads(json.dumps(structure)) == structure


def test_a_type_that_numpy_does_not_know_is_described(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        h5py.h5d.create(file.id, b"odd", h5py.h5t.STD_B8LE, h5py.h5s.create_simple((3,)))
        h5py.h5d.create(file.id, b"time", h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((3,)))
    with open_h5ad(path) as h5ad:
        kinds = {element["path"]: element.get("dtype") for element in h5ad.structure()}
    assert kinds["/time"] == "unknown to numpy"
    assert kinds["/odd"] is not None
