"""A lake of many small datasets: one is built, and the others are copies of it under other ids.

A copy has files of its own wherever the id of the dataset, its collection or a donor stands in a file, and
hard links to the rest. Its record, and what the split plan says of its donors, are those of the first under
other ids. Digests in the record stay those of the first: a release compares them with other records alone.
"""

import json
import os
import re
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
    plan = pl.read_parquet(layout.split_plan)
    collection = plan["donor_uids"][0][0].partition("/")[0]
    for dataset_id in ids:
        _copy(layout, first, {_FIRST: dataset_id, collection: dataset_id})
    schema = pq.read_schema(layout.split_plan)
    rows = pl.concat([plan, *(_with_others(plan, {_FIRST: one, collection: one}) for one in ids)])
    pq.write_table(rows.to_arrow().cast(schema), layout.split_plan)
    marks = json.loads(layout.split_marks.read_text(encoding="utf-8"))
    layout.split_marks.write_text(json.dumps(dict.fromkeys([_FIRST, *ids], marks[_FIRST])), encoding="utf-8")
    return layout


def _copy(layout: Layout, first: Mapping[Path, pl.DataFrame | str | None], others: Mapping[str, str]) -> None:
    """Write each file of the first with other ids; one that holds none has a second name."""
    sizes, dataset_id = {}, others[_FIRST]
    for path, content in first.items():
        target = layout.root / path.relative_to(layout.root).as_posix().replace(_FIRST, dataset_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        match content:
            case str():
                pattern = "|".join(map(re.escape, others))
                changed = re.sub(pattern, lambda found: others[found[0]], content)
                target.write_text(changed, encoding="utf-8")
            case pl.DataFrame():
                rows = _with_others(content, others).to_arrow().cast(pq.read_schema(path))
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


def _with_others(rows: pl.DataFrame, others: Mapping[str, str]) -> pl.DataFrame:
    texts = pl.col(pl.String).str.replace_many(others)
    return rows.with_columns(
        texts, pl.col(pl.List(pl.String)).list.eval(pl.element().str.replace_many(others))
    )
