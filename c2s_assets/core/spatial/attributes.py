"""What is said of each cell of a tissue: what it is and of what state, where it lies, how large it is."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID, CELL_TYPE, ORGANISM
from c2s_assets.core.findings import Finding
from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.core.spatial.spec import Unit

# What Xenium calls the area within the outline of a cell, in square microns.
CELL_AREA = "cell_area"
# The same in squares of the unit of the positions, of a file that does not say how many microns that is.
CELL_AREA_IN_UNITS = "cell_area_in_units"
# Of what was counted together: a printed spot of Visium and a bead of Slide-seq.
_NOMINAL_UM: Mapping[Unit, float] = {"spot": 55.0, "bead": 10.0}
_BY_OUTLINE = "outline"

# What columns of obs are called here.
OF_OBS = {
    ORGANISM: ORGANISM,
    "tissue": c.TISSUE,
    CELL_TYPE: CELL_TYPE,
    "disease": c.TISSUE_DISEASE_STATE,
    "assay": c.ST_TECHNOLOGY,
}
# Columns of cell_metadata that attributes are made of, beside one that is named.
OBS_COLUMNS = (CELL_ID, *OF_OBS, CELL_AREA)

# What says nothing of a cell or a tissue, and what is another word for it.
_EMPTY_WORDS = frozenset(
    ("", "na", "nan", "n/a", "none", "null", "other", "unassigned", "undefined", "unknown", "unlabeled")
)
_VAGUE_WORDS = frozenset(("cell", "cultured cell", "eukaryotic cell", "native cell"))
_OTHER_WORDS = {"nondisease": "normal", "non-disease": "normal", "healthy": "normal", "control": "normal"}
LABELS = (c.TISSUE, CELL_TYPE, c.CELL_DISEASE_STATE, c.TISSUE_DISEASE_STATE, c.ST_TECHNOLOGY)


def attributes_of(
    obs: pl.DataFrame, sample: SpatialSample, *, disease_column: str | None, has_image: bool
) -> pl.DataFrame:
    """Lay out what is said of each cell.

    A donor's disease is that of the tissue, and never becomes that of a cell.

    Parameters
    ----------
    obs
        One row per cell, with those of `OBS_COLUMNS` that there are, and `disease_column`.
    disease_column
        Column of the state of each single cell, if there is one.
    has_image
        Whether the positions are pixels of an image.

    Returns
    -------
    See schemas.tables.CellAttributes.
    """
    sections = pl.Series(c.SECTION, sample.sections, dtype=pl.String).gather(sample.section)
    pixels = sample.xy_px if has_image else np.full_like(sample.xy_px, np.nan)
    diameters, basis = _diameters(obs, sample.unit)
    columns = [
        obs[CELL_ID],
        *sample.in_all_rows(sections.to_frame()),
        *(_text(obs, name).alias(own) for name, own in OF_OBS.items()),
        _text(obs, disease_column).alias(c.CELL_DISEASE_STATE),
        *sample.in_all_rows(_coordinates(sample.xy_um, (c.X_UM, c.Y_UM))),
        *sample.in_all_rows(_coordinates(pixels, (c.X_PX, c.Y_PX))),
        diameters.alias(c.CELL_DIAMETER_UM),
        basis.alias(c.DIAMETER_BASIS),
    ]
    return pl.DataFrame(columns)


def labels_are_plausible(attributes: pl.DataFrame) -> Finding:
    """Claim that labels are words of the field: no numbers of clusters, no words for nothing."""
    counted = pl.concat(
        attributes.select(pl.lit(name).alias("column"), pl.col(name).alias("label"))
        .drop_nulls()
        .group_by("column", "label")
        .len("n_cells")
        for name in LABELS
    )
    doubts = [_doubt(label) for label in counted["label"]]
    doubted = (
        counted.with_columns(pl.Series("why", doubts, dtype=pl.String))
        .drop_nulls("why")
        .sort("n_cells", "column", "label", descending=[True, False, False])
    )
    message = f"{counted.height:,} labels of cells and tissues read like labels."
    if doubted.height:
        named = "; ".join(
            f"{column} {label!r} {why}" for column, label, _, why in doubted.head(3).iter_rows()
        )
        message = (
            f"{doubted.height:,} of {counted.height:,} labels are doubtful: {named}. Correct them in the "
            f"h5ad, or name another column, as cell_type_column or spatial.cell_disease_column, in the "
            f"dataset's entry of datasets.yaml."
        )
    return Finding("labels_are_plausible", doubted.is_empty(), message, {"n_labels": counted.height}, doubted)


def _doubt(label: str) -> str | None:
    plain = label.strip().casefold().rstrip(".")
    if plain in _EMPTY_WORDS:
        return "says nothing"
    if plain in _VAGUE_WORDS:
        return "says of no cell which one it is"
    if plain in _OTHER_WORDS:
        return f"is called {_OTHER_WORDS[plain]!r} elsewhere"
    if not any(letter.isalpha() for letter in plain):
        return "is the number of a cluster"
    return "ends like a sentence" if label.rstrip().endswith(".") else None


def _text(obs: pl.DataFrame, name: str | None) -> pl.Series:
    if name is None or name not in obs.columns:
        return pl.repeat(None, obs.height, dtype=pl.String, eager=True)
    return obs[name].cast(pl.String)


def _coordinates(xy: NDArray[np.float64], names: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(xy.astype(np.float32), schema=list(names)).fill_nan(None)


def _diameters(obs: pl.DataFrame, unit: Unit) -> tuple[pl.Series, pl.Series]:
    """Say how wide each cell is and how that is known: as a circle of its area, else as it was printed."""
    nominal = pl.repeat(_NOMINAL_UM.get(unit), obs.height, dtype=pl.Float32, eager=True)
    areas = (
        obs[CELL_AREA].cast(pl.Float32, strict=False)
        if CELL_AREA in obs.columns
        else nominal.clear(obs.height)
    )
    measured = pl.select(pl.when(areas > 0).then(2 * (areas / np.pi).sqrt()))
    found = measured.to_series()
    basis = pl.select(
        pl.when(found.is_not_null()).then(pl.lit(_BY_OUTLINE)).when(nominal.is_not_null()).then(pl.lit(unit))
    ).to_series()
    return found.fill_null(nominal), basis
