"""What an audit takes of the sides of one dataset, and by what it knows that their files are the same."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from c2s_assets.core.columns import CELL_ID, DATASET_ID, DONOR_ID, DONOR_UID, FOLD, IS_PRIMARY_DATA, SPLIT
from c2s_assets.core.hashes import short_id
from c2s_assets.core.leaks.audit import HASH, IS_GROUP, IS_KNOWN, N_CELLS, hashes_on_sides
from c2s_assets.core.leaks.columns import COPY_GROUP, EXACT
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.registry import FINGERPRINTS, MANIFEST, SIDES_OF_DATASET
from c2s_assets.storage.lake.digest import files_of_tree, tree_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.leaks.published import read_copies
from c2s_assets.storage.tables.parquet import read_table, table_schema

# To be raised when something else is taken of the same files, so that all are read again.
_TAKEN = 1
_READ = (CELL_ID, DONOR_ID, DONOR_UID, FOLD, IS_PRIMARY_DATA)
_SIDE_NUMBERS = {side: number for number, side in enumerate(SIDES)}


@dataclass(frozen=True)
class SeenDataset:
    """What an audit keeps of a dataset, see schemas.leaks: AuditedDatasets, AuditedDonors, AuditedCells."""

    dataset: pl.DataFrame
    donors: pl.DataFrame
    cells: pl.DataFrame


def has_sides(layout: Layout, dataset_id: str) -> bool:
    """Whether there are files of any side."""
    return any(layout.parts(side, dataset_id).exists() for side in SIDES)


def mark_seen(layout: Layout, dataset_id: str) -> str:
    """Digest names, sizes and times of all files that an audit reads of a dataset, without reading them.

    A file that is written in place with as many bytes, and given back its time, is taken for the same.
    """
    places = [
        *layout.places(SIDES_OF_DATASET, dataset_id),
        *layout.places(MANIFEST, dataset_id),
        layout.table(FINGERPRINTS, dataset_id),
        layout.cell_copies(dataset_id),
    ]
    files = [
        (str(file.relative_to(layout.root)), file.stat()) for path in places for file in files_of_tree(path)
    ]
    return short_id([_TAKEN, [(name, seen.st_ino, seen.st_size, seen.st_mtime_ns) for name, seen in files]])


def see_dataset(layout: Layout, dataset_id: str) -> SeenDataset:
    """Read who is on the sides of a dataset; again, if it is built anew meanwhile."""
    seen = mark_seen(layout, dataset_id)
    found = _see(layout, dataset_id, seen)
    return found if mark_seen(layout, dataset_id) == seen else see_dataset(layout, dataset_id)


def read_hashes(layout: Layout, dataset_id: str, *, of_groups: bool) -> pl.DataFrame:
    """Read the hash of each cell on a side that has one: `hash`, `split`, `cell_id`.

    Parameters
    ----------
    of_groups
        Whether it is the group of its copies, near ones included, or of its own counts.
    """
    return _hashed(_read_cells(layout, dataset_id), layout, dataset_id, of_groups=of_groups)


def _see(layout: Layout, dataset_id: str, seen: str) -> SeenDataset:
    cells = _read_cells(layout, dataset_id)
    packed = [
        _pack(_hashed(cells, layout, dataset_id, of_groups=is_group), is_group) for is_group in (False, True)
    ]
    is_compared = layout.table(FINGERPRINTS, dataset_id).exists()
    row = {
        DATASET_ID: dataset_id,
        "sides_digest": tree_digest(*layout.places(SIDES_OF_DATASET, dataset_id)),
        "manifest_digest": tree_digest(*layout.places(MANIFEST, dataset_id)),
        "seen": seen,
        **{f"n_{side}": int((cells[SPLIT] == side).sum()) for side in SIDES},
        "n_non_primary": int((~cells[IS_PRIMARY_DATA]).sum()),
        "n_without_fingerprint": 0 if is_compared else cells.height,
    }
    donors = cells.group_by(DONOR_ID, DONOR_UID, IS_KNOWN, SPLIT).agg(pl.len().cast(pl.Int64).alias(N_CELLS))
    return SeenDataset(
        dataset=pl.DataFrame([row]),
        donors=donors.select(pl.lit(dataset_id).alias(DATASET_ID), pl.all()).sort(
            DONOR_UID, DONOR_ID, SPLIT, IS_KNOWN
        ),
        cells=pl.concat(packed),
    )


def _read_cells(layout: Layout, dataset_id: str) -> pl.DataFrame:
    """Read who is on which side; the folder says which, whatever the rows say."""
    folders = {side: layout.parts(side, dataset_id) for side in SIDES}
    return pl.concat([_read_side(path, side) for side, path in folders.items() if path.exists()])


def _read_side(folder: Path, side: str) -> pl.DataFrame:
    there = table_schema(folder).names
    rows = read_table(folder, columns=[name for name in _READ if name in there])
    is_primary = pl.col(IS_PRIMARY_DATA) if IS_PRIMARY_DATA in there else pl.lit(None, pl.Boolean)
    return rows.select(
        CELL_ID,
        DONOR_ID,
        DONOR_UID,
        (pl.col(FOLD).is_not_null() & pl.col(DONOR_UID).is_not_null()).alias(IS_KNOWN),
        pl.lit(side).alias(SPLIT),
        is_primary.fill_null(value=True).alias(IS_PRIMARY_DATA),
    )


def _hashed(cells: pl.DataFrame, layout: Layout, dataset_id: str, *, of_groups: bool) -> pl.DataFrame:
    hashes = (_read_groups if of_groups else _read_exact)(layout, dataset_id)
    return cells.select(CELL_ID, SPLIT).join(hashes, on=CELL_ID).select(HASH, SPLIT, CELL_ID)


def _read_exact(layout: Layout, dataset_id: str) -> pl.DataFrame:
    path = layout.table(FINGERPRINTS, dataset_id)
    if not path.exists():
        return pl.DataFrame(schema={CELL_ID: pl.String, HASH: pl.Int64})
    return read_table(path, columns=[CELL_ID, EXACT[0]]).rename({EXACT[0]: HASH}).drop_nulls(HASH)


def _read_groups(layout: Layout, dataset_id: str) -> pl.DataFrame:
    return read_copies(layout, dataset_id).select(CELL_ID, pl.col(COPY_GROUP).alias(HASH))


def _pack(hashed: pl.DataFrame, is_group: bool) -> pl.DataFrame:
    numbers = hashed[SPLIT].replace_strict(_SIDE_NUMBERS, return_dtype=pl.Int8)
    packed = hashes_on_sides(hashed[HASH].to_numpy(), numbers.to_numpy())
    packed.sort()
    return pl.DataFrame({HASH: packed.view("int64")}).with_columns(pl.lit(is_group).alias(IS_GROUP))
