"""Finds the files of a tissue in what Space Ranger and Xenium leave: a matrix, and where its rows lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from c2s_assets.core.errors import NotAnH5adError, UnsafeFileError
from c2s_assets.storage.images.opening import require_libraries

_SPOTS, _CELLS = "filtered_feature_bc_matrix.h5", "filtered_feature_cell_matrix.h5"
_FACTORS, _HIRES = "scalefactors_json.json", "tissue_hires_image.png"
_POSITIONS = ("tissue_positions.parquet", "tissue_positions.csv", "tissue_positions_list.csv")
# Of cells as they are taken to reach beyond their nucleus, or of nuclei alone.
_OUTLINES, _NUCLEI = "cell_segmentations.geojson", "nucleus_segmentations.geojson"
_BINNED, _SEGMENTED, _FINEST = "binned_outputs", "segmented_outputs", "square_002um"
# What lies below the folder that is named after the section.
_OF_A_RUN = ("outs", _BINNED, _SEGMENTED)
_EXPERIMENT, _PANEL = "experiment.xenium", "cell_feature_matrix.h5"
_STAINED, _ALIGNMENT = "he_image.ome.tif", "he_imagealignment.csv"
_XENIUM_CELLS, _XENIUM_OUTLINES = "cells.parquet", "cell_boundaries.parquet"


class TissueKind(StrEnum):
    """What the rows of the matrix are, and who wrote the folder, in words."""

    SPOTS = "folder of Space Ranger with spots or bins"
    CELLS = "folder of Space Ranger with cells"
    CELLS_OF_BINS = "folder of Space Ranger with bins, and outlines of cells"
    XENIUM = "folder of Xenium"


@dataclass(frozen=True)
class TissueFiles:
    """The files of one section.

    Attributes
    ----------
    facts
        Scale factors of Space Ranger, or the experiment of Xenium: JSON with microns per pixel.
    places
        Positions of spots or bins, or the cells of Xenium.
    outlines
        Polygons of the cells.
    """

    kind: TissueKind
    folder: Path
    matrix: Path
    facts: Path
    places: Path | None = None
    image: Path | None = None
    outlines: Path | None = None

    @property
    def name(self) -> str:
        """Its name: of its folder, or of that around what Space Ranger wrote, with the size of its bins."""
        folder = self.folder.resolve()
        named = [part for part in folder.parts if part not in _OF_A_RUN]
        is_below = folder.parent.name == _BINNED and len(named) > 1
        return "_".join(named[-2:]) if is_below else named[-1]

    @property
    def all(self) -> tuple[Path, ...]:
        """All of them, in the order in which they are told apart by their bytes."""
        named = (self.matrix, self.facts, self.places, self.image, self.outlines)
        return tuple(path for path in named if path is not None)


def find_tissue(folder: Path) -> TissueFiles | None:
    """Find the files of a section at a folder; None if it is no such folder.

    Bins beside the outlines of cells become cells. Of the folder of a whole run, the cells that Space Ranger
    counted are taken, else the finest bins with its outlines.

    Raises
    ------
    NotAnH5adError
        If a file is missing, or there are bins of several sizes and nothing says which are meant.
    UnsafeFileError
        If a file is a link that leads out of the folder.
    MissingInputError
        If it has an image, and what reads images is not installed.
    """
    found = _find(folder)
    if found is not None:
        for path in found.all:
            if not path.resolve().is_relative_to(folder.resolve()):
                raise UnsafeFileError(
                    f"{path} is a link to {path.resolve()}, outside its folder. If that is right, copy all "
                    f"with cp -rL, and add the copy."
                )
        if found.image is not None:
            require_libraries()
    return found


def find_stained_image(folder: Path) -> dict[str, str]:
    """Find an H&E in a folder of Xenium, with the matrix that lays it on the cells, as an entry names them.

    Without such a matrix, it is of no use.
    """
    images = sorted(folder.glob(f"*{_STAINED}")) if folder.is_dir() else []
    for image in images:
        alignment = image.with_name(image.name.removesuffix(_STAINED) + _ALIGNMENT)
        if alignment.is_file():
            return {"image": str(image.resolve()), "alignment": str(alignment.resolve())}
    return {}


def tissue_at(folder: Path) -> TissueFiles:
    """Find the files of a section at a folder that was recognised as one."""
    found = find_tissue(folder)
    if found is None:
        raise NotAnH5adError(f"{folder} changed while it was read. Copy it again.")
    return found


def _find(folder: Path) -> TissueFiles | None:
    if _named(folder, _EXPERIMENT):
        return _of_xenium(folder)
    binned, segmented = folder / _BINNED, folder / _SEGMENTED
    if _named(segmented, _CELLS):
        return _of_cells(segmented)
    if binned.is_dir():
        return _of_run(binned, _outlines_in(segmented))
    if _named(folder, _CELLS):
        return _of_cells(folder)
    if _named(folder, _SPOTS) and _named(folder / "spatial", _FACTORS):
        return _of_spots(folder, _outlines_in(folder))
    return None


def _of_xenium(folder: Path) -> TissueFiles:
    return TissueFiles(
        kind=TissueKind.XENIUM,
        folder=folder,
        matrix=_required(folder, _PANEL),
        facts=_required(folder, _EXPERIMENT),
        places=_required(folder, _XENIUM_CELLS),
        outlines=_named(folder, _XENIUM_OUTLINES),
    )


def _of_cells(folder: Path) -> TissueFiles:
    return TissueFiles(
        kind=TissueKind.CELLS,
        folder=folder,
        matrix=_required(folder, _CELLS),
        facts=_required(folder / "spatial", _FACTORS),
        image=_named(folder / "spatial", _HIRES),
        outlines=_required(folder, _OUTLINES),
    )


def _of_spots(folder: Path, outlines: Path | None) -> TissueFiles:
    spatial = folder / "spatial"
    return TissueFiles(
        kind=TissueKind.SPOTS if outlines is None else TissueKind.CELLS_OF_BINS,
        folder=folder,
        matrix=_required(folder, _SPOTS),
        facts=_required(spatial, _FACTORS),
        places=_required(spatial, *_POSITIONS),
        image=_named(spatial, _HIRES),
        outlines=outlines,
    )


def _of_run(binned: Path, outlines: Path | None) -> TissueFiles:
    sizes = sorted(child for child in binned.iterdir() if child.is_dir() and _named(child, _SPOTS))
    if outlines is not None and binned / _FINEST in sizes:
        return _of_spots(binned / _FINEST, outlines)
    if len(sizes) == 1:
        return _of_spots(sizes[0], None)
    named = ", ".join(str(size) for size in sizes) or "none"
    raise NotAnH5adError(
        f"{binned.parent} has bins of {len(sizes)} sizes ({named}) and no {_OUTLINES}, of which cells could "
        f"be made. Add one of these folders."
    )


def _outlines_in(folder: Path) -> Path | None:
    return next(_all_named(folder, (_OUTLINES, _NUCLEI)), None)


def _required(folder: Path, *names: str) -> Path:
    found = next(_all_named(folder, names), None)
    if found is None:
        raise NotAnH5adError(
            f"{folder} has no {' or '.join(names)}. Copy the folder as it was written, with all its files."
        )
    return found


def _named(folder: Path, name: str) -> Path | None:
    return next(_all_named(folder, (name,)), None)


def _all_named(folder: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """Give files of these names; 10x puts the name of the sample before those that it publishes."""
    if not folder.is_dir():
        return
    for name in names:
        exact = folder / name
        with_prefix = sorted(folder.glob(f"*_{name}"))
        yield from (path for path in (exact, *with_prefix) if path.is_file())
