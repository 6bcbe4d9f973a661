"""Gathers the facts that captions are made of, from the tables of a tissue."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_TYPE, DONOR_UID
from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.captions import density_of
from c2s_assets.core.spatial.dividing import cut_into_blocks
from c2s_assets.core.spatial.morphology import COARSEST_UM_PER_PX, NO_NUCLEI, measure_nuclei
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.core.spatial.surroundings import nearest_types, strongest_pairs
from c2s_assets.schemas.registry import ATTRIBUTES, CELLS, COMMUNICATION, PATCHES, SLIDES
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.images.picture import decoded
from c2s_assets.storage.spatial.pairs import read_pair_names
from c2s_assets.storage.streams import N_THREADS, map_ahead
from c2s_assets.storage.tables.parquet import iter_table

# With fewer donors, blocks of the tissue are what a classifier has not seen.
_FEWEST_DONORS, _N_BLOCKS = 5, 10
# Decoded and measured at once by a thread: 12 MB of pixels and, in between, ten times as much.
_PATCHES_PER_BLOCK = 1_024


def read_facts(dataset: Dataset, sample: SpatialSample) -> pl.DataFrame:
    """Read all that is known of each cell: the columns of `cell_attributes`, and the facts of `captions`."""
    attributes = dataset.read(ATTRIBUTES)
    types = nearest_types(sample, attributes[CELL_TYPE].gather(sample.cells))
    n_neighbours = dataset.read(COMMUNICATION, columns=[c.N_NEIGHBOURS])[c.N_NEIGHBOURS]
    return pl.DataFrame(
        [
            *attributes,
            n_neighbours,
            density_of(n_neighbours, reach=sample.reach),
            *sample.in_all_rows(types),
            _pairs(dataset),
            *_nuclei(dataset, sample),
        ]
    )


def read_groups(dataset: Dataset, sample: SpatialSample) -> NDArray[np.int64]:
    """Give each cell of a sample the number of its donor or, where there are few, of its block of tissue."""
    donors = dataset.read(CELLS, columns=[DONOR_UID])[DONOR_UID].gather(sample.cells)
    if donors.null_count() == 0 and donors.n_unique() >= _FEWEST_DONORS:
        return donors.rank("dense").to_numpy().astype(np.int64)
    return cut_into_blocks(sample.places_apart(sample.reach.radius_um), _N_BLOCKS)


def _pairs(dataset: Dataset) -> pl.Series:
    names = read_pair_names(dataset).to_list()
    heard = iter_table(dataset.path(COMMUNICATION), columns=[c.RECEIVED_PAIR_INDEX, c.RECEIVED])
    return pl.concat([strongest_pairs(block, names) for block in heard])


def _nuclei(dataset: Dataset, sample: SpatialSample) -> pl.DataFrame:
    """Measure nuclei where a row is a cell and the image shows it finely enough; nulls elsewhere."""
    um_per_px = dataset.read(SLIDES, columns=[c.UM_PER_PX])[c.UM_PER_PX][0]
    if sample.unit != "cell" or um_per_px > COARSEST_UM_PER_PX:
        return NO_NUCLEI.clear(sample.n_obs)
    wanted = [c.CELL_PATCH, c.CELL_UM_PER_PX, c.CELL_IS_BLANK]
    blocks = iter_table(dataset.path(PATCHES), columns=wanted, rows=_PATCHES_PER_BLOCK)
    return pl.concat(map_ahead(_measured, blocks, n_threads=N_THREADS))


def _measured(block: pl.DataFrame) -> pl.DataFrame:
    shown = block.with_row_index("row").filter(~pl.col(c.CELL_IS_BLANK))
    pixels = [decoded(data) for data in shown[c.CELL_PATCH]]
    measured = measure_nuclei(np.stack(pixels), um_per_px=shown[c.CELL_UM_PER_PX][0]) if pixels else NO_NUCLEI
    rows = pl.DataFrame({"row": pl.int_range(block.height, dtype=pl.UInt32, eager=True)})
    placed = measured.with_columns(shown["row"])
    return rows.join(placed, on="row", how="left", maintain_order="left").drop("row")
