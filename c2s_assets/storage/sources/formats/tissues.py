"""Writes into an h5ad where its rows lie in a tissue, as `storage.spatial` reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.spatial.outlines import Outlines
from c2s_assets.core.spatial.spec import Unit
from c2s_assets.storage.sources.formats.writing import (
    add_columns,
    new_group,
    open_or_new_group,
    write_array,
    write_scalar,
)
from c2s_assets.storage.spatial.library import (
    BEGINS,
    CORNERS,
    FACTORS,
    HIRES,
    IMAGES,
    OUTLINES,
    SPATIAL,
    SYSTEM,
    UNIT,
)


@dataclass(frozen=True)
class Tissue:
    """A section: where its rows lie, and what an image shows of them.

    Attributes
    ----------
    assay
        As CELLxGENE calls it; None if obs says it, or nothing does.
    factors
        Scale factors of Space Ranger; `microns_per_pixel` of whatever the pixels are.
    xy_px
        Of each row.
    image
        A small one of the tissue, if there is one.
    outlines
        Of each row, in the same pixels.
    system
        Coordinate system of a SpatialData store that stands for the pixels.
    """

    name: str
    unit: Unit
    assay: str | None
    factors: Mapping[str, float]
    xy_px: NDArray[np.float64]
    image: Path | None = None
    outlines: Outlines | None = None
    system: str | None = None


def add_tissue(
    file: h5py.File,
    tissue: Tissue,
    columns: Mapping[str, pl.Series],
    *,
    says: Mapping[str, Mapping[str, str | float]] | None = None,
) -> None:
    """Add a tissue to an h5ad that has its matrix, further columns to obs, and what else is said of it."""
    if tissue.assay is not None:
        columns = {**columns, "assay": pl.repeat(tissue.assay, len(tissue.xy_px), eager=True)}
    add_columns(file, "obs", columns)
    write_array(open_or_new_group(file, "obsm"), SPATIAL, tissue.xy_px)
    library = new_group(new_group(open_or_new_group(file, "uns"), SPATIAL), tissue.name.replace("/", "_"))
    write_scalar(library, UNIT, tissue.unit)
    if tissue.system is not None:
        write_scalar(library, SYSTEM, tissue.system)
    for section, said in {FACTORS: tissue.factors, **(says or {})}.items():
        group = new_group(library, section)
        for name, value in said.items():
            write_scalar(group, name, value)
    if tissue.image is not None:
        from c2s_assets.storage.images.picture import read_picture  # noqa: PLC0415  an extra

        pixels = read_picture(tissue.image).read_tile(0, 0, 0)
        write_array(new_group(library, IMAGES), HIRES, pixels, is_compressed=True)
    if tissue.outlines is not None:
        outlines = new_group(library, OUTLINES)
        write_array(outlines, BEGINS, tissue.outlines.begins, is_compressed=True)
        write_array(outlines, CORNERS, tissue.outlines.xy.astype(np.float32), is_compressed=True)


def read_names(file: h5py.File) -> pl.Series:
    """Read the names of the rows that were written."""
    return pl.Series(file["obs/_index"].asstr()[:], dtype=pl.String)
