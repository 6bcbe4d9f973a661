"""Audits the written sides of all datasets; of files that are the same it takes what the last audit kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import CELL_ID, DATASET_ID, DONOR_ID, DONOR_UID, SPLIT
from c2s_assets.core.errors import C2SError
from c2s_assets.core.findings import Finding
from c2s_assets.core.leaks.audit import (
    COPY,
    EXACT_COPY,
    HASH,
    IS_GROUP,
    IS_KNOWN,
    are_among,
    hashes_on_two_sides,
    leaks_of_cells,
    leaks_of_donors,
)
from c2s_assets.schemas.leaks import AuditedCells, AuditedDatasets, AuditedDonors, Leaks
from c2s_assets.schemas.registry import MANIFEST, SIDES_OF_DATASET
from c2s_assets.storage.catalogue.snapshot import dataset_ids
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.record import read_record
from c2s_assets.storage.lake.staging import Stage
from c2s_assets.storage.leaks.output import Output
from c2s_assets.storage.leaks.published import read_audited
from c2s_assets.storage.leaks.seen import has_sides, mark_seen, read_hashes, see_dataset
from c2s_assets.storage.splits.plan import read_plan
from c2s_assets.storage.tables.parquet import count_rows, read_table

# Hashes that are compared at once, by their leading bits: 134 MB, and twice as much for comparing them.
_HASHES_AT_ONCE = 2**24


@dataclass(frozen=True)
class Audit:
    """What an audit found and staged; `targets` are to be committed together.

    Attributes
    ----------
    leaks
        See schemas.leaks.Leaks.
    datasets
        See schemas.leaks.AuditedDatasets.
    n_read
        Datasets whose files were read; of the others the last audit has seen the same files.
    n_shared_ids
        Donor ids that several collections use, for different people.
    changed
        Datasets whose files are not what the record says was written, and which file.
    """

    leaks: pl.DataFrame
    datasets: pl.DataFrame
    n_read: int
    n_shared_ids: int
    changed: Mapping[str, str]
    targets: Sequence[Path]
    keeps_schemas: Finding


def audit_sides(stage: Stage, layout: Layout) -> Audit:
    """Audit the files of all sides as they are on disk, whatever manifests and records say of them.

    To be called by who is `alone`.
    """
    output = Output(stage, (layout.all_audited_cells,))
    ids = [dataset_id for dataset_id in dataset_ids(layout) if has_sides(layout, dataset_id)]
    datasets, donors, n_read = _see_all(output, layout, ids)
    output.write(layout.audited_datasets, datasets, model=AuditedDatasets, table="audited_datasets")
    output.write(layout.audited_donors, donors, model=AuditedDonors, table="audited_donors")
    known = donors.filter(IS_KNOWN)
    exact, copies = (_torn(output, layout, ids, of_groups=of_groups) for of_groups in (False, True))
    leaks = pl.concat(
        [
            leaks_of_donors(known.drop(IS_KNOWN, DONOR_ID), read_plan(layout)),
            leaks_of_cells(exact, kind=EXACT_COPY),
            leaks_of_cells(copies.join(exact, on=[DATASET_ID, CELL_ID], how="anti"), kind=COPY),
        ]
    )
    output.write(layout.leaks, leaks, model=Leaks, table="leaks")
    people = known.unique([DONOR_ID, DONOR_UID])
    return Audit(
        leaks=leaks,
        datasets=datasets,
        n_read=n_read,
        n_shared_ids=people.group_by(DONOR_ID).len().filter(pl.col("len") > 1).height,
        changed=_changed(layout, datasets),
        targets=output.changed(),
        keeps_schemas=output.keeps_schemas(),
    )


def _see_all(output: Output, layout: Layout, ids: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Take what is known of each dataset, or read it: AuditedDatasets, AuditedDonors, how many were read."""
    before = read_audited(layout)
    seen_before = dict(before.datasets.select(DATASET_ID, "seen").iter_rows())
    kept, datasets, donors = [], [before.datasets.clear()], [before.donors.clear()]
    for dataset_id in ids:
        target = layout.audited_cells(dataset_id)
        if target.exists() and seen_before.get(dataset_id) == mark_seen(layout, dataset_id):
            output.keep(target)
            kept.append(dataset_id)
            continue
        found = see_dataset(layout, dataset_id)
        output.write(target, found.cells, model=AuditedCells, table="audited_cells")
        datasets.append(found.dataset)
        donors.append(found.donors)
    is_kept = pl.col(DATASET_ID).is_in(kept)
    return (
        pl.concat([*datasets, before.datasets.filter(is_kept)]).sort(DATASET_ID),
        pl.concat([*donors, before.donors.filter(is_kept)]).sort(DATASET_ID, maintain_order=True),
        len(ids) - len(kept),
    )


def _changed(layout: Layout, datasets: pl.DataFrame) -> dict[str, str]:
    """Name what is not as it was written, of each dataset of which anything is not."""
    found = ((one[DATASET_ID], _changed_of(layout, one)) for one in datasets.iter_rows(named=True))
    return {dataset_id: changed for dataset_id, changed in found if changed is not None}


def _changed_of(layout: Layout, seen: Mapping[str, str]) -> str | None:
    """Name what is not as it was written, if anything is; None also of what has no record."""
    try:
        built = read_record(layout, seen[DATASET_ID]).built
    except C2SError:
        return "record.json"
    digests = {MANIFEST: seen["manifest_digest"], SIDES_OF_DATASET: seen["sides_digest"]}
    changed = (asset for asset, digest in digests.items() if asset in built and built[asset].digest != digest)
    return next(changed, None)


def _torn(output: Output, layout: Layout, ids: Sequence[str], *, of_groups: bool) -> pl.DataFrame:
    """Find the cells with a hash that is on two sides: `hash, dataset_id, split, cell_id`.

    Of most datasets that is none, so that their cells are read only where it is.
    """
    paths = {dataset_id: output.present(layout.audited_cells(dataset_id)) for dataset_id in ids}
    torn = _hashes_on_two_sides(list(paths.values()), of_groups=of_groups)
    schema = {HASH: pl.Int64, DATASET_ID: pl.String, SPLIT: pl.String, CELL_ID: pl.String}
    found = [pl.DataFrame(schema=schema)]
    for dataset_id, path in paths.items() if torn.size else ():
        if are_among(_read_kept(path, of_groups=of_groups), torn).any():
            cells = read_hashes(layout, dataset_id, of_groups=of_groups)
            is_torn = pl.Series(are_among(cells[HASH].to_numpy().view(np.uint64), torn))
            named = cells.filter(is_torn).with_columns(pl.lit(dataset_id).alias(DATASET_ID))
            found.append(named.select(*schema))
    return pl.concat(found)


def _hashes_on_two_sides(paths: Sequence[Path], *, of_groups: bool) -> NDArray[np.uint64]:
    """Compare the hashes of all datasets, as many at once as there is room for."""
    n_bits = max(sum(map(count_rows, paths)) // _HASHES_AT_ONCE, 0).bit_length()
    bounds = [part << (64 - n_bits) for part in range(1, 2**n_bits)]
    cuts = np.array(bounds, np.uint64)
    found = []
    for part in range(2**n_bits):
        pieces = [_piece(_read_kept(path, of_groups=of_groups), cuts, part) for path in paths]
        found.append(hashes_on_two_sides(pieces))
    return np.concatenate(found)


def _piece(hashes: NDArray[np.uint64], cuts: NDArray[np.uint64], part: int) -> NDArray[np.uint64]:
    """Take the hashes of one part; they are ascending, and so are the cuts between the parts."""
    ends = [0, *np.searchsorted(hashes, cuts).tolist(), hashes.size]
    return hashes[ends[part] : ends[part + 1]].copy()


def _read_kept(path: Path, *, of_groups: bool) -> NDArray[np.uint64]:
    kept = read_table(path).filter(pl.col(IS_GROUP) == of_groups)
    hashes: NDArray[np.uint64] = kept[HASH].to_numpy().view(np.uint64)
    return hashes
