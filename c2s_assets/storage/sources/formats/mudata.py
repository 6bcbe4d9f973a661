"""Takes one modality out of an h5mu file."""

from pathlib import Path

import h5py
import numpy as np
import polars as pl

from c2s_assets.core.errors import NotAnH5adError, SourceError
from c2s_assets.storage.h5ad.access import open_member, read_name_list_attribute, reading
from c2s_assets.storage.h5ad.frames import open_frame
from c2s_assets.storage.h5ad.hdf5 import open_hdf5
from c2s_assets.storage.sources.formats.writing import column_name, new_h5ad, write_column

_MODALITIES = "mod"
# Parts of an AnnData that hold cells or features; distances between cells are of no use to us.
_PARTS = ("X", "layers", "obs", "obsm", "raw", "uns", "var", "varm")


def convert_mudata(path: Path, target: Path, *, modality: str) -> None:
    """Write one modality as h5ad, its elements as they are stored.

    Columns of the obs that all modalities share, such as the donor, are added where the modality has none of
    that name. Memory is bounded by these columns.

    Raises
    ------
    NotAnH5adError
        If there is no such modality, or it cannot be copied.
    """
    place = f"{_MODALITIES}/{modality}"
    with open_hdf5(path) as hdf5, new_h5ad(target) as file:
        source = open_member(hdf5.file, place, place=path.name)
        if not isinstance(source, h5py.Group):
            raise NotAnH5adError(f"{place} is no group. Write the file again with mudata.")
        for name in _PARTS:
            with reading(f"{place}/{name}"):
                if name in source:
                    hdf5.file.copy(source[name], file, name=name, expand_soft=True)
        _add_shared_columns(hdf5.file, file)


def _add_shared_columns(source: h5py.File, file: h5py.File) -> None:
    obs = file.get("obs")
    shared = source.get("obs")
    if not isinstance(obs, h5py.Group) or not isinstance(shared, h5py.Group):
        return
    own, all_cells = (open_frame(group, place="obs", legacy_categories={}) for group in (obs, shared))
    # A column of one modality stands here once more as `rna:total_counts`.
    prefixes = tuple(f"{name}:" for name in source[_MODALITIES])
    names = [
        name
        for name in all_cells.names
        if name not in (*own.names, own.index_name) and not name.startswith(prefixes)
    ]
    cells = own.index().alias("cell")
    rows = all_cells.index().alias("cell")
    if not names or rows.is_duplicated().any():
        return
    positions = pl.DataFrame({"cell": cells}).join(
        pl.DataFrame({"cell": rows}).with_row_index("row"), on="cell", how="left", maintain_order="left"
    )["row"]
    added = []
    for name in names:
        try:
            values = all_cells.read(name)
        except SourceError:  # one that cannot be read says nothing of the modality
            continue
        write_column(obs, column_name(name), values.gather(positions))
        added.append(column_name(name))
    listed = [*read_name_list_attribute(obs, "column-order", place="obs"), *added]
    obs.attrs["column-order"] = np.array(listed, dtype=h5py.string_dtype())
