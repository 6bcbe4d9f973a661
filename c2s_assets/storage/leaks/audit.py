"""Reads the written sides of all datasets, and finds what is on two of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID, DATASET_ID, DONOR_ID, DONOR_UID, FOLD, IS_PRIMARY_DATA, SPLIT
from c2s_assets.core.errors import C2SError
from c2s_assets.core.leaks.audit import (
    COPY,
    EXACT_COPY,
    are_among,
    count_sides,
    hashes_on_sides,
    hashes_on_two_sides,
    leaks_of_cells,
    leaks_of_donors,
)
from c2s_assets.core.leaks.columns import COPY_GROUP, EXACT
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.registry import FINGERPRINTS, MANIFEST, SIDES_OF_DATASET
from c2s_assets.storage.catalogue.snapshot import dataset_ids
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.record import read_record
from c2s_assets.storage.leaks.published import read_copies
from c2s_assets.storage.splits.plan import read_plan
from c2s_assets.storage.tables.parquet import read_table, table_schema

_READ = (CELL_ID, DONOR_ID, DONOR_UID, FOLD, IS_PRIMARY_DATA)
_HASH = "hash"
_SIDE_NUMBERS = {side: number for number, side in enumerate(SIDES)}


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    leaks
        See schemas.leaks.Leaks.
    sides
        Cells of each side, one row per dataset.
    n_non_primary
        Of these, cells that are not the canonical copy.
    n_without_fingerprint
        Cells whose copies cannot be found, because their dataset has no fingerprints.
    n_shared_ids
        Donor ids that several collections use, for different people.
    changed
        Datasets whose files are not what the record says was written, and which file.
    """

    leaks: pl.DataFrame
    sides: pl.DataFrame
    n_non_primary: int
    n_without_fingerprint: int
    n_shared_ids: int
    changed: dict[str, str]


@dataclass
class _Found:
    """What is gathered of the datasets, one after the other."""

    donors: list[pl.DataFrame] = field(default_factory=list)
    exact: dict[str, NDArray[np.uint64]] = field(default_factory=dict)
    copies: dict[str, NDArray[np.uint64]] = field(default_factory=dict)
    n_non_primary: int = 0
    n_without_fingerprint: int = 0
    changed: dict[str, str] = field(default_factory=dict)


def audit_sides(layout: Layout) -> Audit:
    """Audit the files of all sides as they are on disk, whatever manifests and records say of them."""
    found = _Found()
    for dataset_id in dataset_ids(layout):
        if any(layout.parts(side, dataset_id).exists() for side in SIDES):
            _look_at(layout, dataset_id, found)
    donors = pl.concat([pl.DataFrame(schema=_DONORS), *found.donors])
    known = donors.filter("is_known")
    people = known.unique([DONOR_ID, DONOR_UID])
    exact = _torn(layout, found.exact, _read_exact)
    copies = _torn(layout, found.copies, _read_groups)
    leaks = [
        leaks_of_donors(known.drop("is_known", DONOR_ID), read_plan(layout)),
        leaks_of_cells(exact, kind=EXACT_COPY),
        leaks_of_cells(copies.join(exact, on=[DATASET_ID, CELL_ID], how="anti"), kind=COPY),
    ]
    return Audit(
        leaks=pl.concat(leaks),
        sides=count_sides(donors),
        n_non_primary=found.n_non_primary,
        n_without_fingerprint=found.n_without_fingerprint,
        n_shared_ids=people.group_by(DONOR_ID).len().filter(pl.col("len") > 1).height,
        changed=found.changed,
    )


_DONORS = {
    DONOR_ID: pl.String,
    DONOR_UID: pl.String,
    "is_known": pl.Boolean,
    SPLIT: pl.String,
    DATASET_ID: pl.String,
    "n_cells": pl.Int64,
}


def _look_at(layout: Layout, dataset_id: str, found: _Found) -> None:
    cells = pl.concat(list(_read_sides(layout, dataset_id)))
    donors = cells.group_by(DONOR_ID, DONOR_UID, "is_known", SPLIT).agg(
        pl.len().cast(pl.Int64).alias("n_cells")
    )
    found.donors.append(donors.with_columns(pl.lit(dataset_id).alias(DATASET_ID)).select(*_DONORS))
    found.n_non_primary += int((~cells[IS_PRIMARY_DATA]).sum())
    if (changed := _changed(layout, dataset_id)) is not None:
        found.changed[dataset_id] = changed
    if layout.table(FINGERPRINTS, dataset_id).exists():
        found.exact[dataset_id] = _pack(_hashed(cells, _read_exact(layout, dataset_id)))
    else:
        found.n_without_fingerprint += cells.height
    if layout.cell_copies(dataset_id).exists():
        found.copies[dataset_id] = _pack(_hashed(cells, _read_groups(layout, dataset_id)))


def _read_sides(layout: Layout, dataset_id: str) -> Iterator[pl.DataFrame]:
    """Read who is on each side; the folder says which, whatever the rows say."""
    for side in SIDES:
        folder = layout.parts(side, dataset_id)
        if folder.exists():
            there = table_schema(folder).names
            columns = [
                name for name in (CELL_ID, DONOR_ID, DONOR_UID, FOLD, IS_PRIMARY_DATA) if name in there
            ]
            rows = read_table(folder, columns=columns)
            primary = rows[IS_PRIMARY_DATA] if IS_PRIMARY_DATA in there else pl.Series([True])
            yield rows.select(
                CELL_ID,
                DONOR_ID,
                DONOR_UID,
                (pl.col(FOLD).is_not_null() & pl.col(DONOR_UID).is_not_null()).alias("is_known"),
                pl.lit(side).alias(SPLIT),
                primary.fill_null(value=True).alias(IS_PRIMARY_DATA),
            )


def _changed(layout: Layout, dataset_id: str) -> str | None:
    """Name what is not as it was written, if anything is; None also of what has no record."""
    try:
        built = read_record(layout, dataset_id).built
    except C2SError:
        return "record.json"
    for asset in (MANIFEST, SIDES_OF_DATASET):
        if asset in built and tree_digest(*layout.places(asset, dataset_id)) != built[asset].digest:
            return asset
    return None


def _read_exact(layout: Layout, dataset_id: str) -> pl.DataFrame:
    """Read the hash of each cell that carries evidence: `cell_id` and `hash`."""
    read = read_table(layout.table(FINGERPRINTS, dataset_id), columns=[CELL_ID, EXACT[0]])
    return read.rename({EXACT[0]: _HASH}).drop_nulls(_HASH)


def _read_groups(layout: Layout, dataset_id: str) -> pl.DataFrame:
    """Read which cells of a dataset have copies, near ones included: `cell_id`, and their group as `hash`."""
    return read_copies(layout, dataset_id).select(CELL_ID, pl.col(COPY_GROUP).alias(_HASH))


def _hashed(cells: pl.DataFrame, hashes: pl.DataFrame) -> pl.DataFrame:
    """Give each cell of a side its hash, if it has one: `hash`, `split`, `cell_id`."""
    return cells.select(CELL_ID, SPLIT).join(hashes, on=CELL_ID).select(_HASH, SPLIT, CELL_ID)


def _pack(hashed: pl.DataFrame) -> NDArray[np.uint64]:
    numbers = hashed[SPLIT].replace_strict(_SIDE_NUMBERS, return_dtype=pl.Int8)
    return hashes_on_sides(hashed[_HASH].to_numpy(), numbers.to_numpy())


def _torn(
    layout: Layout,
    hashed: Mapping[str, NDArray[np.uint64]],
    read: Callable[[Layout, str], pl.DataFrame],
) -> pl.DataFrame:
    """Find the cells with a hash that is on two sides: `hash, dataset_id, split, cell_id`.

    Of most datasets that is none, so that their cells are read again only where it is.
    """
    torn = hashes_on_two_sides(list(hashed.values()))
    schema = {_HASH: pl.Int64, DATASET_ID: pl.String, SPLIT: pl.String, CELL_ID: pl.String}
    found = [pl.DataFrame(schema=schema)]
    for dataset_id, hashes in hashed.items():
        if are_among(hashes, torn).any():
            cells = _hashed(pl.concat(list(_read_sides(layout, dataset_id))), read(layout, dataset_id))
            is_torn = pl.Series(are_among(cells[_HASH].to_numpy().view(np.uint64), torn))
            found.append(
                cells.filter(is_torn).with_columns(pl.lit(dataset_id).alias(DATASET_ID)).select(*schema)
            )
    return pl.concat(found)
