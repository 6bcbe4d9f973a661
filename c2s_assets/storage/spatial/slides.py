"""The image of a dataset's sections: how it looks as a whole, and what cuts patches from it."""

from pathlib import Path

import polars as pl

from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.orientation import edge_colour
from c2s_assets.core.spatial.patches import SLIDE_PX
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.storage.images.picture import as_jpeg, decoded, resized
from c2s_assets.storage.images.source import ImageSource, Pixels, TileReader, thumbnail
from c2s_assets.storage.tables.parquet import read_rows


def read_slide(image: ImageSource) -> Pixels:
    """Read the whole image, small."""
    return thumbnail(image, long_side=SLIDE_PX, resize=resized)


def slide_rows(slide: Pixels, sample: SpatialSample, *, width: int, height: int) -> pl.DataFrame:
    """Make the row of each section, all of which lie in one image."""
    n = len(sample.sections)
    return pl.DataFrame(
        {
            c.SECTION: sample.sections,
            c.SLIDE: [as_jpeg(slide)] * n,
            c.WIDTH_PX: pl.Series([width] * n, dtype=pl.Int32),
            c.HEIGHT_PX: pl.Series([height] * n, dtype=pl.Int32),
            c.UM_PER_PX: pl.Series([sample.um_per_px] * n, dtype=pl.Float32),
        }
    )


def reader_of(image: ImageSource, slides: pl.DataFrame) -> TileReader:
    """Make what cuts windows out of an image; beyond its edge is the colour of most of the slide's edge."""
    red, green, blue = edge_colour(decoded(slides[c.SLIDE][0])).astype(int).tolist()
    return TileReader(image, background=(red, green, blue))


def first_patches(patches: Path, n_cells: int) -> tuple[list[Pixels], list[Pixels]]:
    """Read the patches of the first cells that have some, of cells and of tissue."""
    rows = read_rows(patches, 0, 16 * n_cells, columns=[c.CELL_PATCH, c.TISSUE_PATCH]).drop_nulls()
    shown = rows.head(n_cells)
    cells, tissue = ([decoded(data) for data in shown[name]] for name in (c.CELL_PATCH, c.TISSUE_PATCH))
    return cells, tissue
