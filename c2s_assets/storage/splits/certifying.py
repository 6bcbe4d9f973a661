"""Certifies the sides of a split in a folder: who is on which, and that its files are these."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa

from c2s_assets.core.columns import DATASET_ID, DONOR_UID
from c2s_assets.core.leaks.audit import DATASETS
from c2s_assets.core.splits.certificate import (
    CERTIFICATE,
    CERTIFIED_MANIFEST,
    Certificate,
    DatasetMark,
    FileMark,
    render_certificate,
)
from c2s_assets.core.splits.donors import COPY_INDEX
from c2s_assets.core.splits.plan import COMPONENT, sides_of, version_of
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.record import Built
from c2s_assets.schemas.registry import MANIFEST
from c2s_assets.schemas.tables import SplitManifest, SplitPlan
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.leaks.published import read_audited, read_leaks
from c2s_assets.storage.splits.plan import read_plan
from c2s_assets.storage.splits.proof import find_files
from c2s_assets.storage.splits.written import read_written
from c2s_assets.storage.tables.parquet import TableWriter, read_table, with_metadata


def certify(folder: Path, layout: Layout, exported: Mapping[str, Built]) -> None:
    """Write the manifest and the certificate of a folder.

    Parameters
    ----------
    exported
        The sides of each dataset that it holds, as the lake's record has them.
    """
    ids, plan = sorted(exported), read_plan(layout)
    _write_manifest(folder / CERTIFIED_MANIFEST, layout, ids, plan)
    files = find_files(folder)
    written = read_written(files)
    marks = {
        path.relative_to(folder).as_posix(): FileMark(written.n_rows.get(path, 0), file_digest(path))
        for path in [*files, folder / CERTIFIED_MANIFEST]
    }
    datasets = _mark_datasets(layout, exported)
    certificate = Certificate(
        plan_version=".".join(map(str, version_of(plan))),
        n_leaks=_count_leaks(layout, ids) if all(mark.is_audited for mark in datasets.values()) else None,
        datasets=datasets,
        sides=written.counts(),
        files=marks,
    )
    (folder / CERTIFICATE).write_text(render_certificate(certificate), encoding="utf-8")


def _write_manifest(path: Path, layout: Layout, dataset_ids: list[str], plan: pl.DataFrame) -> None:
    """Write the manifests of datasets as one table, with the person that each donor is."""
    persons = sides_of(plan).select(DONOR_UID, COMPONENT)
    with TableWriter(path, schema=_manifest_schema()) as writer:
        for dataset_id in dataset_ids:
            rows = read_table(layout.table(MANIFEST, dataset_id)).drop(COPY_INDEX)
            known = rows.join(persons, on=DONOR_UID, how="left", maintain_order="left")
            writer.write(known.with_columns(pl.lit(dataset_id).alias(DATASET_ID)))


def _manifest_schema() -> pa.Schema:
    own, plan = arrow_schema(SplitManifest), arrow_schema(SplitPlan)
    kept = [field for field in own if field.name != COPY_INDEX]
    person = plan.field(COMPONENT).with_nullable(True)  # who cannot be told apart is none
    fields = [plan.field(DATASET_ID), person, *kept]
    return with_metadata(pa.schema(fields), {"table": "certified_manifest"})


def _mark_datasets(layout: Layout, exported: Mapping[str, Built]) -> dict[str, DatasetMark]:
    """Tell of each dataset what was exported, and what the last audit has seen."""
    seen = dict(read_audited(layout).datasets.select(DATASET_ID, "sides_digest").iter_rows())
    return {name: DatasetMark(built.digest, seen.get(name)) for name, built in exported.items()}


def _count_leaks(layout: Layout, dataset_ids: list[str]) -> int:
    named = pl.col(DATASETS).list.set_intersection(dataset_ids)
    return read_leaks(layout).filter(named.list.len() > 0).height
