"""The jobs that build one dataset, and what all of them share."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import dagster as dg

from c2s_assets.schemas.registry import TABLES, wanted_tables

# One process for all steps: starting one costs seconds, and there are 2,200 datasets.
job_in_one_process = partial(dg.define_asset_job, executor_def=dg.in_process_executor)

build_dataset = job_in_one_process(
    "build_dataset",
    selection=wanted_tables(),
    description="Build everything of one dataset, in one process, but tables that have to be asked for.",
)
build_tables = job_in_one_process(
    "build_tables",
    selection=list(TABLES),
    description="Build tables of one dataset, in one process: those that are chosen, or all there are.",
)
list_gene_symbols = job_in_one_process(
    "list_gene_symbols",
    selection=["gene_symbols"],
    description="Take the approved gene symbols of HGNC.",
)
BUILD_JOBS = (build_dataset, build_tables)


def choice(assets: Collection[str]) -> tuple[str, Sequence[dg.AssetKey] | None]:
    """Name the job that builds these tables, and what to select of it; None stands for all of it."""
    if set(assets) == set(wanted_tables()):
        return build_dataset.name, None
    return build_tables.name, [dg.AssetKey(asset) for asset in TABLES if asset in assets]


def build_runs(
    instance: dg.DagsterInstance, *, statuses: Sequence[dg.DagsterRunStatus] = (), tags: Any = None
) -> list[Any]:
    """Find the records of runs that build datasets, whoever asked for them, newest first."""
    found = [
        record
        for job in BUILD_JOBS
        for record in instance.get_run_records(
            dg.RunsFilter(job_name=job.name, statuses=list(statuses), tags=tags)
        )
    ]
    return sorted(found, key=lambda record: record.storage_id, reverse=True)
