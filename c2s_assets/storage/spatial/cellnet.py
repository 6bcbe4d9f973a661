"""Writes the cells of a tissue as one HDF5 file in the layout of Cell-NET, a group for each cell."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import (
    CELL_ID,
    CELL_TYPE,
    FEATURE_ID,
    FEATURE_INDEX,
    ORGANISM,
    SPLIT,
    SYMBOL,
    VALUE,
)
from c2s_assets.core.errors import LakeError
from c2s_assets.core.spatial import columns as c
from c2s_assets.core.spatial.patches import TISSUE_PATCH, cell_patch_size
from c2s_assets.core.spatial.spec import SpatialEntry
from c2s_assets.schemas.registry import ATTRIBUTES, FEATURES, RECORDS, SLIDES
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.images.picture import decoded
from c2s_assets.storage.spatial.pairs import read_pair_names
from c2s_assets.storage.spatial.records import iter_records, read_sides_of_records

_UNKNOWN = "unknown"
# Level 1 is twice as fast as 4 for 2 % more bytes.
_COMPRESSED = {"compression": "gzip", "compression_opts": 1}
_FEWEST_DIGITS = 4


def export_cellnet(dataset: Dataset, file: Path) -> int:
    """Write all cells that have a place, also those on no side; return how many.

    ``/Cell_0001`` holds ``expression``, ``images``, ``attributes.json``, ``caption.txt`` and ``CCC``, what
    the cell hears, as a matrix of one row in the encoding of anndata whose columns are the cells of the file.
    ``/shared`` holds what is the same for all. The file appears whole or not at all.

    Raises
    ------
    LakeError
        If there is such a file already, or it cannot be written.
    MissingInputError
        If the records of the dataset are not built.
    """
    dataset.path(RECORDS)
    if file.exists():
        raise LakeError(f"{file} is there already. Name a file that is new: --to FILE.h5.")
    written = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with h5py.File(written, "w", libver="latest") as opened:
            n_cells = _write(opened, dataset)
        written.rename(file)
    except OSError as error:
        raise LakeError(f"{file} cannot be written: {error.strerror or error}.") from error
    finally:
        written.unlink(missing_ok=True)
    return n_cells


@dataclass(frozen=True)
class _Numbering:
    """How cells are numbered in the file.

    Attributes
    ----------
    position
        Of each row of `cell_metadata` among the cells of the file; -1 without a place.
    """

    position: NDArray[np.int64]
    n_genes: int

    @property
    def n_cells(self) -> int:
        return int(self.position.max()) + 1


def cell_name(position: int, n_cells: int) -> str:
    """Name the group of a cell, by its place among those of the file."""
    digits = max(_FEWEST_DIGITS, len(str(n_cells)))
    return f"Cell_{position + 1:0{digits}d}"


def _write(file: h5py.File, dataset: Dataset) -> int:
    sections = dataset.read(ATTRIBUTES, columns=[c.SECTION])[c.SECTION]
    is_placed = sections.is_not_null().to_numpy()
    features = dataset.read(FEATURES, columns=[FEATURE_ID, SYMBOL])
    cells = _Numbering(np.where(is_placed, np.cumsum(is_placed) - 1, -1), features.height)
    _write_shared(file, dataset, features)
    for block in iter_records(dataset, read_sides_of_records(dataset)):
        for record in block.iter_rows(named=True):
            _write_cell(file, cells, record)
    return cells.n_cells


def _write_shared(file: h5py.File, dataset: Dataset, features: pl.DataFrame) -> None:
    texts = {
        "genes": features[SYMBOL].fill_null(features[FEATURE_ID]),
        "gene_ids": features[FEATURE_ID],
        "lr_pairs": read_pair_names(dataset),
    }
    shared = file.create_group("shared")
    for name, values in texts.items():
        shared.create_dataset(name, data=values.to_list(), dtype=h5py.string_dtype())
    slides = dataset.read(SLIDES, columns=[c.SECTION, c.SLIDE, c.UM_PER_PX])
    cell = cell_patch_size(
        (dataset.entry.spatial or SpatialEntry()).patches, um_per_px=slides[c.UM_PER_PX][0]
    )
    for section, slide, _ in slides.iter_rows():
        shared.create_dataset(f"WSI/{section}", data=decoded(slide), **_COMPRESSED)
    config = {
        "dataset_id": dataset.dataset_id,
        "expression": {"layer": dataset.profile.layer, "kind": dataset.profile.verdict.kind},
        "cell_patch": {"um": cell.um, "px": cell.px, "um_per_px": cell.um_per_px},
        "tissue_patch": {
            "um": TISSUE_PATCH.um,
            "px": TISSUE_PATCH.px,
            "um_per_px": TISSUE_PATCH.um_per_px,
        },
    }
    _write_text(shared, "config", json.dumps(config, sort_keys=True))


def _write_cell(file: h5py.File, cells: _Numbering, record: Mapping[str, Any]) -> None:
    group = file.create_group(cell_name(int(cells.position[record[c.CELL_INDEX]]), cells.n_cells))
    expression = np.zeros(cells.n_genes, np.float32)
    expression[record[FEATURE_INDEX]] = record[VALUE]
    group.create_dataset("expression", data=expression, **_COMPRESSED)
    images = group.create_group("images")
    for name in (c.CELL_PATCH, c.TISSUE_PATCH):
        images.create_dataset(name, data=decoded(record[name]["bytes"]), **_COMPRESSED)
    images["WSI_patch"] = file[f"shared/WSI/{record[c.SECTION]}"]
    _write_text(group, "attributes.json", json.dumps(_attributes(record), ensure_ascii=False))
    _write_text(group, "caption.txt", record[c.CAPTION])
    heard = group.create_group("CCC")
    heard.attrs.update(
        {"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": (1, cells.n_cells)}
    )
    senders = cells.position[np.asarray(record[c.SENDER_INDEX], np.int64)]
    arrays = {
        "data": np.asarray(record[c.SENDER_SCORE], np.float32),
        "indices": senders.astype(np.int32),
        "indptr": np.array([0, len(senders)], np.int32),
        "lr_indices": np.asarray(record[c.RECEIVED_PAIR_INDEX], np.int32),
        "lr_data": np.asarray(record[c.RECEIVED], np.float32),
    }
    for name, values in arrays.items():
        heard.create_dataset(name, data=values)


def _attributes(record: Mapping[str, Any]) -> dict[str, str]:
    """Call attributes as Cell-NET does, with their units; what is not known is unknown."""
    diameter = record[c.CELL_DIAMETER_UM]
    named = {
        "source": record[ORGANISM],
        "tissue": record[c.TISSUE],
        "cell_type": record[CELL_TYPE],
        "cell_disease_state": record[c.CELL_DISEASE_STATE],
        "tissue_disease_state": record[c.TISSUE_DISEASE_STATE],
        "Position_in_tissue": f"({record[c.X_UM]:.1f}, {record[c.Y_UM]:.1f}) um",
        "Position_in_WSI": f"({record[c.X_PX]:.1f}, {record[c.Y_PX]:.1f}) px",
        "cell_diameter": None if diameter is None else f"{diameter:.1f} um ({record[c.DIAMETER_BASIS]})",
        "st_technology": record[c.ST_TECHNOLOGY],
        "cell_id": record[CELL_ID],
        "section": record[c.SECTION],
        "split": record[SPLIT] or "none",
        "caption_source": record[c.CAPTION_SOURCE],
    }
    return {name: _UNKNOWN if value is None else value for name, value in named.items()}


def _write_text(group: h5py.Group, name: str, text: str) -> None:
    group.create_dataset(name, data=text, dtype=h5py.string_dtype())
