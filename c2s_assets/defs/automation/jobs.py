"""The job that builds one dataset."""

import dagster as dg

# One process for all steps: starting one costs seconds, and there are 2,200 datasets.
build_dataset = dg.define_asset_job(
    "build_dataset",
    selection=dg.AssetSelection.groups("ingest", "matrix", "text", "splits", "publish"),
    executor_def=dg.in_process_executor,
    description="Build everything of one dataset, in one process.",
)
