"""The code location that Dagster loads."""

from collections.abc import Mapping

import dagster as dg

from c2s_assets.clients.cellxgene import DISCOVER_URL
from c2s_assets.clients.hub_access import HUB_URL
from c2s_assets.defs.assets import (
    discover,
    health,
    ingest,
    joins,
    leaks,
    matrix,
    projections,
    prompts,
    publish,
    records,
    releases,
    sources,
    spatial,
    splits,
    tabular,
    text,
    vision,
)
from c2s_assets.defs.automation.audit import LAKE_JOBS, nightly_audit, nightly_plan, weekly_measurement
from c2s_assets.defs.automation.catalogue import hourly_catalogue, renew_catalogue
from c2s_assets.defs.automation.health import hourly_health, report_health
from c2s_assets.defs.automation.inbox import inbox
from c2s_assets.defs.automation.jobs import BUILD_JOBS, list_gene_symbols
from c2s_assets.defs.automation.refresh import daily_listing, list_cellxgene, refresh
from c2s_assets.defs.automation.releases import RELEASE_JOBS, daily_releases, described_releases
from c2s_assets.defs.automation.retention import daily_pruning, prune_runs
from c2s_assets.defs.console import terminal
from c2s_assets.defs.resources import Cellxgene, Hgnc, HuggingFace, Store


def build_definitions(resources: Mapping[str, Store | Hgnc | Cellxgene | HuggingFace]) -> dg.Definitions:
    """Put the assets, their checks and their automation together with the resources they use."""
    return dg.Definitions(
        assets=dg.load_assets_from_modules(
            [
                *(sources, discover, ingest, leaks, matrix, text, prompts),
                *(splits, joins, projections, tabular, spatial, vision, records, publish, releases, health),
            ],
            include_specs=True,
        ),
        jobs=[
            *BUILD_JOBS,
            *LAKE_JOBS,
            *RELEASE_JOBS,
            list_cellxgene,
            list_gene_symbols,
            renew_catalogue,
            report_health,
            prune_runs,
        ],
        schedules=[
            daily_listing,
            hourly_catalogue,
            hourly_health,
            daily_pruning,
            nightly_plan,
            nightly_audit,
            weekly_measurement,
            daily_releases,
        ],
        sensors=[inbox, refresh, described_releases],
        resources=resources,
        executor=dg.in_process_executor,
        loggers={"console": dg.colored_console_logger, "terminal": terminal},
    )


defs = build_definitions(
    {
        "store": Store(root=dg.EnvVar("C2S_LAKE").get_value("lake") or "lake"),
        "hgnc": Hgnc(),
        "cellxgene": Cellxgene(base_url=dg.EnvVar("C2S_CELLXGENE_URL").get_value() or DISCOVER_URL),
        "hub": HuggingFace(endpoint=dg.EnvVar("HF_ENDPOINT").get_value() or HUB_URL),
    }
)
