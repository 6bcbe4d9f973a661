"""Finds and reads the embeddings in obsm: numeric arrays with a row per cell and two axes or more."""

from typing import Any

import h5py
from numpy.typing import NDArray

from c2s_assets.core.errors import NotAnH5adError, UnsupportedEncodingError
from c2s_assets.storage.h5ad.access import Array, open_member, reading

_NUMERIC_KINDS = "biuf"


def find_embeddings(obsm: Any, *, place: str) -> dict[str, Array]:
    """Find the embeddings by name; whatever else obsm holds is left out.

    AnnData 0.6 stored obsm as one compound dataset, a field each.
    """
    if isinstance(obsm, h5py.Dataset):
        with reading(place):
            fields = obsm.dtype.names or ()
        candidates = {name: Array(obsm, f"{place}/{name}", field=name) for name in fields}
    elif isinstance(obsm, h5py.Group):
        with reading(place):
            names = sorted(obsm)
        members = {name: open_member(obsm, name, place=place) for name in names}
        candidates = {
            name: Array(member, f"{place}/{name}")
            for name, member in members.items()
            if isinstance(member, h5py.Dataset)
        }
    else:
        candidates = {}
    return {name: array for name, array in candidates.items() if _is_embedding(array)}


def read_rows(embedding: Array, start: int, stop: int | None, *, n_obs: int) -> NDArray[Any]:
    """Read rows of an embedding in its stored type; NotAnH5adError if it has not one row per cell."""
    shape = embedding.shape or ()
    if shape[0] != n_obs:
        raise NotAnH5adError(
            f"{embedding.place} has {shape[0]} rows, but there are {n_obs} cells. "
            "The file is damaged; fetch it again."
        )
    values = embedding.read(start, stop)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _is_embedding(array: Array) -> bool:
    try:
        return array.shape is not None and len(array.shape) >= 2 and array.dtype.kind in _NUMERIC_KINDS
    except UnsupportedEncodingError:
        return False
