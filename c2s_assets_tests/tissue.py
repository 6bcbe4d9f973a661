"""A small tissue with an image, and all tables that are made of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from c2s_assets.schemas.registry import upstream
from c2s_assets.storage.images.picture import as_png
from c2s_assets_tests.defs.building import Workshop, build, failures, open_workshop
from c2s_assets_tests.toy import make_lake, write_toy_h5ad

N_CELLS = 150
WIDTH_UM = 2_400
TABLES = ["cell_records", "record_sides", "section_communication", "train_test"]
_SETTINGS = """\
communication: {pairs: lists/pairs.csv}
datasets: {toy: {spatial: {um_per_unit: 1, image: slide.png, unit: cell}}}
"""


def tissue_files(scratch: Path) -> dict[str, bytes]:
    """Make the files that somebody puts into a lake, by their names in it."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (WIDTH_UM // 8, WIDTH_UM // 8, 3), dtype=np.uint8)
    places = rng.uniform(0, WIDTH_UM, (N_CELLS, 2))
    options = {"n_obs": N_CELLS, "n_donors": 1, "ages": (30,), "obsm": {"spatial": places}}
    return {
        "datasets.yaml": _SETTINGS.encode(),
        "lists/pairs.csv": b"ligand,receptor\nGENE1,GENE2\nGENE3,GENE4\n",
        "slide.png": as_png(noise.repeat(8, axis=0).repeat(8, axis=1)),
        "inbox/toy.h5ad": write_toy_h5ad(scratch, **options).read_bytes(),
    }


@contextmanager
def built_tissue(folder: Path) -> Iterator[Workshop]:
    """Build records and sides of ``toy``: a section of one donor on an image of noise, 1 um a pixel."""
    layout = make_lake(folder)
    for name, content in tissue_files(folder / "h5ad").items():
        (layout.root / name).parent.mkdir(exist_ok=True)
        (layout.root / name).write_bytes(content)
    with open_workshop(layout) as workshop:
        tables = upstream(TABLES)
        assert failures(build(workshop.instance, workshop.definitions, "toy", assets=tables)) == {}
        yield workshop
