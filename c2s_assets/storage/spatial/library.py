"""What `uns["spatial"]` says of a tissue, in the words of Space Ranger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.spatial.spec import Unit
from c2s_assets.storage.h5ad.access import Array
from c2s_assets.storage.h5ad.source import H5ad

# Keys of `uns`, and of a library below it.
SPATIAL, FACTORS, IMAGES, UNIT = "spatial", "scalefactors", "images", "unit"
SYSTEM = "coordinate_system"
# What SpatialData says in `uns` of a table: the columns of obs with the element and the id that a row is of.
_ANNOTATION, _REGION, _INSTANCE = "spatialdata_attrs", "region_key", "instance_key"
OUTLINES, BINS = "outlines", "bins"
# Images, and what outlines are kept as: see core.spatial.outlines.
FULL, HIRES = "fullres", "hires"
BEGINS, CORNERS = "begins", "xy"
# Of these scale factors the first two come from Visium HD and from Xenium, whose files say it in other words.
UM_PER_PX, BIN_UM = "microns_per_pixel", "bin_size_um"
SPOT_DIAMETER, HIRES_SCALE = "spot_diameter_fullres", "tissue_hires_scalef"
_MOST_VALUES = 100


@dataclass(frozen=True)
class Library:
    """The one library of an h5ad; empty if it has none, or several of which none is meant.

    Attributes
    ----------
    bins
        What was counted when its cells were made of bins.
    system
        Coordinate system of a SpatialData store that the positions are in.
    """

    name: str | None = None
    factors: Mapping[str, float] = field(default_factory=dict)
    unit: Unit | None = None
    bins: Mapping[str, Any] = field(default_factory=dict)
    system: str | None = None


def read_library(h5ad: H5ad) -> Library:
    """Read what the only library of `uns["spatial"]` says; its arrays are left where they are."""
    libraries = h5ad.uns(max_values=_MOST_VALUES).get(SPATIAL) if SPATIAL in h5ad.uns_keys else None
    named = libraries.items() if isinstance(libraries, dict) else ()
    found = [_library_of(name, said) for name, said in named if isinstance(said, dict)]
    known = [library for library in found if library.factors or library.unit]
    return known[0] if len(known) == 1 else Library()


def annotation_columns(uns: Mapping[str, Any]) -> tuple[str, str] | None:
    """Name the columns of obs that say which element of SpatialData a row is of, and which of its ids."""
    said = uns.get(_ANNOTATION)
    region, instance = (said.get(_REGION), said.get(_INSTANCE)) if isinstance(said, dict) else (None, None)
    return (region, instance) if isinstance(region, str) and isinstance(instance, str) else None


def stored_image(h5ad: H5ad, library: Library, name: str) -> Array:
    """Find an image of the library, without reading it.

    Raises
    ------
    MissingInputError
        If it has none of that name.
    """
    found = None if library.name is None else h5ad.uns_array(f"{SPATIAL}/{library.name}/{IMAGES}/{name}")
    if found is None:
        raise MissingInputError(
            f"the file has no image {name} in uns/{SPATIAL}/{library.name or '<library>'}/{IMAGES}. Name "
            f"another one, or the path of one, as image of spatial in the dataset's entry of datasets.yaml."
        )
    return found


def has_image(h5ad: H5ad, library: Library, name: str) -> bool:
    """Whether the library has an image of that name."""
    place = f"{SPATIAL}/{library.name}/{IMAGES}/{name}"
    return library.name is not None and h5ad.uns_array(place) is not None


def _library_of(name: str, said: Mapping[str, Any]) -> Library:
    factors, bins, system = (said.get(part) for part in (FACTORS, BINS, SYSTEM))
    named = factors.items() if isinstance(factors, dict) else ()
    return Library(
        name,
        {factor: float(value) for factor, value in named if isinstance(value, int | float)},
        next((unit for unit in get_args(Unit) if unit == said.get(UNIT)), None),
        bins if isinstance(bins, dict) else {},
        system if isinstance(system, str) else None,
    )
