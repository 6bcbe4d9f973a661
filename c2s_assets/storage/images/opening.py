"""Opens an image of a tissue."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from c2s_assets.core.errors import MissingInputError, SourceError
from c2s_assets.storage.images.source import ImageSource
from c2s_assets.storage.images.zarr_image import open_zarr_image
from c2s_assets.storage.zarr_stores.metadata import is_zarr_store

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LIBRARIES = ("tifffile", "imagecodecs", "PIL", "sklearn")
HOW_TO_INSTALL = "images of a tissue take more libraries: python -m pip install 'c2s_assets[spatial]'"


def has_libraries() -> bool:
    """Whether what reads images is installed."""
    return all(find_spec(name) is not None for name in _LIBRARIES)


def require_libraries() -> None:
    """Refuse to go on without what reads images.

    Raises
    ------
    MissingInputError
        If it is not installed.
    """
    if not has_libraries():
        raise MissingInputError(f"{HOW_TO_INSTALL}.")


@contextmanager
def open_image(path: Path) -> Iterator[ImageSource]:
    """Open a TIFF, also one of OME or of Aperio, tile by tile; or a PNG or JPEG of moderate size.

    A folder is opened as an image of a SpatialData store, or of OME-Zarr, chunk by chunk.

    Raises
    ------
    MissingInputError
        If there is no such file or folder, or the libraries are not installed.
    SourceError
        If it is no image that can be read.
    """
    if not path.is_file() and not is_zarr_store(path):
        raise MissingInputError(
            f"there is no image {path}. Correct image of spatial in the dataset's entry of datasets.yaml."
        )
    require_libraries()
    if path.is_dir():
        yield open_zarr_image(path)
        return
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise SourceError(f"image {path.name} is empty. Copy it again.")
    if start in _TIFF:
        from c2s_assets.storage.images.tiff import open_tiff  # noqa: PLC0415

        with open_tiff(path) as image:
            yield image
    else:
        from c2s_assets.storage.images.picture import read_picture  # noqa: PLC0415

        yield read_picture(path)
