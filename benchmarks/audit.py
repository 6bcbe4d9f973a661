"""Measures the audit of the written sides of a lake of many datasets: `python -m benchmarks.audit N_CELLS`.

The lake is that of `benchmarks.leaks`, with planted copies and donors under two names. The plan is made of
all datasets, sides are written with the columns that an audit reads, and a process of its own audits them:
as they were built before anybody knew of the copies, after the plan has acted on them, once more, and
with the sides of one dataset written anew.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import polars as pl

from benchmarks.planted import plant
from c2s_assets.core.columns import CELL_ID, DONOR_ID, DONOR_UID, FOLD, IS_PRIMARY_DATA, SPLIT
from c2s_assets.core.splits.manifest import assign_cells, split_dataset
from c2s_assets.core.splits.plan import Subject
from c2s_assets.core.splits.sides import SIDES, TRAIN
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.registry import CELLS, MANIFEST
from c2s_assets.schemas.tables import SplitManifest
from c2s_assets.storage.catalogue.snapshot import dataset_ids
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.leaks.renewing import renew
from c2s_assets.storage.splits.copies import read_left_out
from c2s_assets.storage.splits.plan import read_persons, read_plan, settle_plan, stage_plan
from c2s_assets.storage.tables.parquet import read_table, write_table

# Half of the datasets are no primary data; here all are used.
_SPEC = SplitSpec(non_primary="keep")
_AUDIT = """
import sys
from pathlib import Path
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.leaks.audit import audit_sides
layout = Layout(Path(sys.argv[1]))
with stage(layout, "leak_audit") as staged:
    audit = audit_sides(staged, layout)
    staged.commit(*audit.targets)
print(audit.leaks.height)
"""


def main() -> None:
    """Measure each size and print four rows for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n_cells", type=int, nargs="+", help="cells of the lake")
    parser.add_argument("--datasets", type=int, default=200, help="datasets of the lake")
    parser.add_argument("--scratch", type=Path, help="folder for the lake, 0.3 kB a cell")
    options = parser.parse_args()
    print(
        "| cells | sides | leaks | s | s of processor | peak MB |\n| ---: | --- | ---: | ---: | ---: | ---: |"
    )
    for n_cells in options.n_cells:
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            layout = plant(Path(folder), n_cells=n_cells, n_datasets=options.datasets)
            write_sides(layout)
            print(_row(n_cells, "drawn without evidence", layout), flush=True)
            act_on_evidence(layout)
            print(_row(n_cells, "after the plan has acted", layout), flush=True)
            print(_row(n_cells, "the same again", layout), flush=True)
            _rewrite(layout.parts(TRAIN, dataset_ids(layout)[0]))
            print(_row(n_cells, "one dataset written anew", layout), flush=True)


def write_sides(layout: Layout) -> None:
    """Split every dataset by the plan as it is, and write what an audit reads of its sides."""
    for dataset_id in dataset_ids(layout):
        cells = read_table(layout.table(CELLS, dataset_id))
        cells = cells.with_columns(
            pl.lit(30.0, pl.Float32).alias("age"),
            pl.col(DONOR_UID).str.split("/").list.last().alias(DONOR_ID),
        )
        manifest, plan = split_dataset(
            cells,
            read_plan(layout),
            persons=read_persons(layout),
            spec=_SPEC,
            subject=Subject(dataset_id),
            copies=read_left_out(layout, dataset_id),
        )
        with stage(layout, "split_plan") as staged:
            stage_plan(staged, layout, plan, marks={})
            staged.commit(layout.split_plan, layout.split_marks)
        write_table(layout.table(MANIFEST, dataset_id), manifest, schema=arrow_schema(SplitManifest))
        _write_sides(layout, dataset_id, cells, manifest)


def act_on_evidence(layout: Layout) -> None:
    """Do what `c2s audit` does before it looks: find copies, settle the plan, split again."""
    with stage(layout, "donor_aliases") as staged:
        staged.commit(*renew(staged, layout).targets)
    with stage(layout, "split_plan") as staged:
        settle_plan(staged, layout, spec=_SPEC)
        staged.commit(layout.split_plan, layout.split_marks, layout.split_copies)
    write_sides(layout)


def _write_sides(layout: Layout, dataset_id: str, cells: pl.DataFrame, manifest: pl.DataFrame) -> None:
    sides = assign_cells(cells, manifest)
    rows = cells.select(CELL_ID, DONOR_ID, DONOR_UID, IS_PRIMARY_DATA).with_columns(sides[SPLIT], sides[FOLD])
    for side in SIDES:
        of_side = rows.filter(pl.col(SPLIT) == side)
        folder = layout.parts(side, dataset_id)
        shutil.rmtree(folder, ignore_errors=True)
        if of_side.height:
            folder.mkdir(parents=True, exist_ok=True)
            of_side.write_parquet(folder / "chunk_0000.parquet")


def _rewrite(folder: Path) -> None:
    for path in folder.iterdir():
        pl.read_parquet(path).write_parquet(path)


def _row(n_cells: int, sides: str, layout: Layout) -> str:
    begun = perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", _AUDIT, str(layout.root)], stdout=subprocess.PIPE, text=True
    ) as process:
        said = process.stdout.read().strip() if process.stdout is not None else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the audit ended with {process.returncode}")
    seconds, cpu = perf_counter() - begun, usage.ru_utime + usage.ru_stime
    return f"| {n_cells:,} | {sides} | {said} | {seconds:.1f} | {cpu:.1f} | {usage.ru_maxrss / 1024:,.0f} |"


if __name__ == "__main__":
    main()
