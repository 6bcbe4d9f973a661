"""A small tissue with an image, and all tables that are made of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from c2s_assets.schemas.registry import upstream
from c2s_assets.storage.images.picture import as_png
from c2s_assets_tests.defs.building import Workshop, build, failures, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

N_CELLS = 150
WIDTH_UM = 2_400


@contextmanager
def built_tissue(folder: Path) -> Iterator[Workshop]:
    """Build records and sides of ``toy``: a section of one donor on an image of noise, 1 um a pixel."""
    layout = make_lake(folder)
    pairs = folder / "pairs.csv"
    pairs.write_text("ligand,receptor\nGENE1,GENE2\nGENE3,GENE4\n")
    layout.settings.write_text(
        f"communication: {{pairs: {pairs}}}\n"
        f"datasets: {{toy: {{spatial: {{um_per_unit: 1, image: slide.png, unit: cell}}}}}}\n"
    )
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (WIDTH_UM // 8, WIDTH_UM // 8, 3), dtype=np.uint8)
    (layout.root / "slide.png").write_bytes(as_png(noise.repeat(8, axis=0).repeat(8, axis=1)))
    places = rng.uniform(0, WIDTH_UM, (N_CELLS, 2))
    drop_toy_h5ad(layout, "toy", n_obs=N_CELLS, n_donors=1, ages=(30,), obsm={"spatial": places})
    with open_workshop(layout) as workshop:
        tables = upstream(["cell_records", "record_sides", "section_communication", "train_test"])
        assert failures(build(workshop.instance, workshop.definitions, "toy", assets=tables)) == {}
        yield workshop
