"""The code location that Dagster loads."""

from collections.abc import Mapping

import dagster as dg

from c2s_assets.defs.assets import ingest, sources, splits, text
from c2s_assets.defs.automation.inbox import inbox
from c2s_assets.defs.automation.jobs import build_dataset
from c2s_assets.defs.automation.retention import prune_runs, weekly_pruning
from c2s_assets.defs.console import terminal
from c2s_assets.defs.resources import Hgnc, Store


def build_definitions(resources: Mapping[str, Store | Hgnc]) -> dg.Definitions:
    """Put the assets, their checks and their automation together with the resources they use."""
    return dg.Definitions(
        assets=dg.load_assets_from_modules([sources, ingest, text, splits], include_specs=True),
        jobs=[build_dataset, prune_runs],
        schedules=[weekly_pruning],
        sensors=[inbox],
        resources=resources,
        executor=dg.in_process_executor,
        loggers={"console": dg.colored_console_logger, "terminal": terminal},
    )


defs = build_definitions(
    {"store": Store(root=dg.EnvVar("C2S_LAKE").get_value("lake") or "lake"), "hgnc": Hgnc()}
)
