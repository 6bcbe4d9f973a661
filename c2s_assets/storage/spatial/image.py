"""The image that shows a dataset's cells: where it is, and how the cells lie in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from c2s_assets.core.errors import ConfigError, MissingInputError
from c2s_assets.core.spatial.alignment import SAME, Alignment, inverse_of, parse_alignment, scaled_by
from c2s_assets.core.spatial.spec import IN_H5AD, SpatialEntry
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.h5ad.source import H5ad
from c2s_assets.storage.images.array import array_image
from c2s_assets.storage.images.opening import open_image, require_libraries
from c2s_assets.storage.images.source import ImageSource
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place
from c2s_assets.storage.lake.shapes import present
from c2s_assets.storage.lake.working_copy import working_copy_of
from c2s_assets.storage.spatial.library import FULL, HIRES, HIRES_SCALE, Library, read_library, stored_image
from c2s_assets.storage.zarr_stores.metadata import is_zarr_store
from c2s_assets.storage.zarr_stores.rasters import describe_raster

# Positions of Xenium are pixels of what it photographed itself; an H&E was stained and photographed later.
_ALIGNED_LATER = "xenium"
_MOST_BYTES = 2**16


def image_file(layout: Layout, entry: SpatialEntry) -> Path | None:
    """Return the path of the image that an entry names, if it is a file or folder of its own."""
    if entry.image is None or entry.image.startswith(IN_H5AD):
        return None
    return present(layout.named(entry.image))


@contextmanager
def open_slide(dataset: Dataset, h5ad: H5ad) -> Iterator[ImageSource]:
    """Open the image that shows a dataset's cells; see `open_image`.

    Raises
    ------
    ConfigError
        If the dataset's entry names none.
    MissingInputError
        If there is no such file, or it is said to be in the h5ad, which has none.
    """
    entry = dataset.entry.spatial or SpatialEntry()
    path = image_file(dataset.layout, entry)
    if path is not None:
        if not path.is_file() and not is_zarr_store(path):
            no_folder = ", as one file and no folder" if working_copy_of(dataset.layout) else ""
            raise MissingInputError(
                f"there is no image {shown_place(dataset.layout, path)}. Put it there{no_folder}, or correct "
                f"image of spatial in the dataset's entry of datasets.yaml."
            )
        with open_image(path) as image:
            yield image
        return
    if entry.image is None:
        raise ConfigError(
            f"nothing says which image shows the cells of {dataset.dataset_id}. Name it as image of spatial "
            f"in the dataset's entry of datasets.yaml."
        )
    require_libraries()
    yield array_image(stored_image(h5ad, read_library(h5ad), entry.image.removeprefix(IN_H5AD)))


def read_alignment(
    layout: Layout, entry: SpatialEntry, library: Library, *, technology: str | None
) -> Alignment:
    """Find how positions become pixels of the image: by the matrix that is named, or by what the h5ad says.

    An image of a SpatialData store is laid on positions by the store itself.

    Raises
    ------
    ConfigError
        If the image takes a matrix and none is named, or what is named is none.
    SourceError
        If the image is one of a store that does not say how it lies.
    MissingInputError
        If there is no such file, or no scale of the image in the h5ad.
    """
    if entry.alignment is not None:
        return _read_matrix(present(layout.named(entry.alignment)))
    if entry.image == f"{IN_H5AD}{HIRES}":
        if HIRES_SCALE not in library.factors:
            raise MissingInputError(
                f"the scale factors of the file have no {HIRES_SCALE}, which tells where cells lie in its "
                f"image {HIRES}. Name {IN_H5AD}{FULL} or an image file as image of spatial."
            )
        return scaled_by(library.factors[HIRES_SCALE])
    path = image_file(layout, entry)
    if path is not None and is_zarr_store(path):
        return _laid_by_store(path, library)
    if entry.image is not None and _ALIGNED_LATER in (technology or "").lower():
        raise ConfigError(
            f"positions of Xenium are no pixels of {entry.image}, which was stained and photographed later. "
            f"Align it in Xenium Explorer, export the matrix (*_he_imagealignment.csv), and name that as "
            f"alignment of spatial in the dataset's entry of datasets.yaml."
        )
    return SAME


def _laid_by_store(path: Path, library: Library) -> Alignment:
    raster = describe_raster(path)
    if not raster.systems:  # of another store than one of SpatialData: positions are its pixels
        return SAME
    if library.system is None or library.system not in raster.systems:
        where = "in none of them" if library.system is None else f"in {library.system!r}"
        raise ConfigError(
            f"the image {raster.name} lies in the coordinate systems {', '.join(raster.systems)} of its "
            f"store, and the positions {where}. Name an image that lies where they do as image of spatial in "
            f"the dataset's entry of datasets.yaml, or, as alignment, the matrix that lays this one on them."
        )
    return inverse_of(raster.systems[library.system])


def _read_matrix(path: Path) -> Alignment:
    if not path.is_file():
        raise MissingInputError(
            f"there is no alignment {path}. Correct alignment of spatial in the dataset's entry of "
            f"datasets.yaml."
        )
    try:
        with path.open("rb") as file:
            table = pl.read_csv(file.read(_MOST_BYTES), has_header=False, infer_schema=False)
        rows = [[float(value) for value in row] for row in table.rows()]
    except (pl.exceptions.PolarsError, ValueError, TypeError):
        rows = []
    return parse_alignment(rows, source=f"alignment {path.name}")
