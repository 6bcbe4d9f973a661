"""Images and masks of an OME-Zarr or SpatialData store: their axes, their levels, and where they lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c2s_assets.core.errors import SourceError
from c2s_assets.core.spatial.transformations import Matrix, read_transformations
from c2s_assets.storage.zarr_stores.arrays import open_group, reading, refuse_unproven
from c2s_assets.storage.zarr_stores.metadata import read_attributes, refuse_links, refuse_unsafe_arrays

_OME = "ome"


@dataclass(frozen=True)
class Raster:
    """What is said of an image or a mask.

    Attributes
    ----------
    axes
        Such as ``("c", "y", "x")``.
    paths
        Of its levels, below its folder.
    systems
        How its pixels lie in each coordinate system of the store.
    """

    folder: Path
    axes: tuple[str, ...]
    paths: tuple[str, ...]
    systems: Mapping[str, Matrix]

    @property
    def name(self) -> str:
        """Its name, as messages give it."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    def open_levels(self) -> list[Any]:
        """Open the arrays of its levels, the largest first.

        Raises
        ------
        SourceError
            If one is damaged, is coded in an unknown way, or claims more than it can hold.
        """
        refuse_links(self.folder)
        refuse_unsafe_arrays(self.folder)
        with reading(self.name):
            group = open_group(self.folder)
            arrays = [group[path] for path in self.paths]
            if any(len(array.shape) != len(self.axes) or 0 in array.shape for array in arrays):
                raise ValueError(f"its arrays do not have the axes {', '.join(self.axes)}")
            for array in arrays:
                refuse_unproven(array, folder=self.folder)
        return sorted(arrays, key=lambda array: -array.shape[-1])


def describe_raster(folder: Path) -> Raster:
    """Read what is said of an image or a mask, and nothing of its pixels.

    Raises
    ------
    SourceError
        If it is none.
    """
    said = read_attributes(folder)
    name = f"{folder.parent.name}/{folder.name}"
    try:
        [multiscale] = said.get(_OME, said)["multiscales"]
        axes = tuple(str(axis["name"]) for axis in multiscale["axes"])
        first, *copies = [str(level["path"]) for level in multiscale["datasets"]]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(
            f"{name} is no image or mask as OME-Zarr has it ({type(error).__name__}: {str(error)[:200]}). "
            f"Copy the store again, or write it again with spatialdata."
        ) from error
    systems = read_transformations(multiscale.get("coordinateTransformations", []), source=name)
    return Raster(folder, axes, (first, *copies), systems)
