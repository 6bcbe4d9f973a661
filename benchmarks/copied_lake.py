"""A lake of many small datasets: one is built, and the others are copies of it under other ids.

A copy has files of its own wherever the id of the dataset or of a donor stands in a file, and hard links to
the rest; its record, and what the split plan says of its donors, are those of the first under other ids. The
digests in the record stay those of the first: a release compares them with other records alone.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from c2s_assets.storage.lake.digest import files_of_tree
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.corpus import TABLES
from c2s_assets_tests.defs.building import build_only, open_workshop
from c2s_assets_tests.toy import EMBEDDINGS, drop_toy_h5ad, make_lake

_FIRST = "first-dataset"


def make_copies(folder: Path, ids: Iterable[str]) -> Layout:
    """Build a dataset of 60 cells in a new lake, and copy it."""
    layout = make_lake(folder)
    drop_toy_h5ad(layout, _FIRST, n_axes=EMBEDDINGS)
    with open_workshop(layout) as workshop:
        build_only(workshop, _FIRST, *TABLES)
    files = [
        *(layout.raw_h5ad(_FIRST), layout.raw_provenance(_FIRST)),
        *files_of_tree(layout.dataset(_FIRST)),
    ]
    first, ids = {path: _read(path) for path in files}, list(ids)
    for dataset_id in ids:
        _copy(layout, dataset_id, first)
    _extend_plan(layout, ids)
    return layout


def _copy(layout: Layout, dataset_id: str, first: Mapping[Path, pl.DataFrame | str | None]) -> None:
    """Write each file of the first with another id; one that holds none has a second name."""
    sizes = {}
    for path, content in first.items():
        target = layout.root / path.relative_to(layout.root).as_posix().replace(_FIRST, dataset_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        match content:
            case str():
                target.write_text(content.replace(_FIRST, dataset_id), encoding="utf-8")
            case pl.DataFrame():
                rows = _with_other_id(content, dataset_id).to_arrow().cast(pq.read_schema(path))
                pq.write_table(rows, target, compression="zstd", write_page_index=True)
            case _:
                os.link(path, target)
        sizes[str(target.relative_to(layout.root))] = target.stat().st_size
    record = json.loads(layout.record(dataset_id).read_text(encoding="utf-8"))
    for built in record["built"].values():
        built["files"] = {name: sizes[name] for name in built["files"]}
    layout.record(dataset_id).write_text(json.dumps(record), encoding="utf-8")


def _read(path: Path) -> pl.DataFrame | str | None:
    """Read a file in which the id of the dataset may stand."""
    if path.suffix == ".json":
        return path.read_text(encoding="utf-8")
    if path.suffix != ".parquet" or not {"dataset_id", "donor_uid"} & set(pq.read_schema(path).names):
        return None
    return pl.DataFrame(pq.read_table(path))


def _with_other_id(rows: pl.DataFrame, dataset_id: str) -> pl.DataFrame:
    texts = pl.col(pl.String).str.replace(_FIRST, dataset_id, literal=True)
    lists = pl.col(pl.List(pl.String)).list.eval(pl.element().str.replace(_FIRST, dataset_id, literal=True))
    return rows.with_columns(texts, lists)


def _extend_plan(layout: Layout, ids: list[str]) -> None:
    """Let every copy have the sides of the first."""
    plan = pl.read_parquet(layout.split_plan)
    schema = pq.read_schema(layout.split_plan)
    rows = pl.concat([plan, *(_with_other_id(plan, dataset_id) for dataset_id in ids)])
    pq.write_table(rows.to_arrow().cast(schema), layout.split_plan)
    marks = json.loads(layout.split_marks.read_text(encoding="utf-8"))
    layout.split_marks.write_text(json.dumps(dict.fromkeys([_FIRST, *ids], marks[_FIRST])), encoding="utf-8")
