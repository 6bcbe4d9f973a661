"""What goes out: the report on a dataset's checks."""

from collections.abc import Sequence
from dataclasses import asdict

import dagster as dg
import polars as pl

from c2s_assets.core.findings import Finding
from c2s_assets.core.reports.validation import checks_hold, tables_agree_on_cells
from c2s_assets.defs.assets.ingest import (
    cell_metadata,
    dataset_profile,
    feature_metadata,
    raw_h5ad,
    unstructured_metadata,
)
from c2s_assets.defs.assets.matrix import expression, expression_matrix
from c2s_assets.defs.assets.projections import projections
from c2s_assets.defs.assets.splits import split_manifest, train_test
from c2s_assets.defs.assets.text import cell_sentences
from c2s_assets.defs.check_results import report_asset
from c2s_assets.defs.metadata import Metadata, as_metadata, file_metadata, rows_as_markdown
from c2s_assets.defs.publishing import Events, dataset_asset, materialized, report
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.documents import (
    AssetReport,
    DatasetProfile,
    SummaryReport,
    TableReport,
    ValidationReport,
)
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.lake.documents import keeps_document, read_document, write_document
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.tables.consistency import Tables

# In the order of the report. What is made from the report, such as cards and releases, does not belong here.
_REPORTED = [
    raw_h5ad,
    dataset_profile,
    cell_metadata,
    feature_metadata,
    unstructured_metadata,
    expression,
    expression_matrix,
    projections,
    cell_sentences,
    split_manifest,
    train_test,
]


@dataset_asset(group="publish", kinds={"json"}, deps=_REPORTED)
def validation_report(context: dg.AssetExecutionContext, store: Store) -> Events:
    """Results of all checks of the dataset with their figures, and how its tables go together, as JSON."""
    dataset_id, layout = context.partition_key, store.layout
    target = layout.validation_report(dataset_id)
    source = store.source(dataset_id)
    tables = Tables(layout, dataset_id, source.sha256)
    assets = [report_asset(context.instance, asset.key.to_user_string(), tables) for asset in _REPORTED]
    agreements = tables.compare()
    written = ValidationReport(
        dataset_id=dataset_id,
        source_sha256=source.sha256,
        n_obs=source.n_obs,
        n_vars=_n_vars(store, tables),
        summary=_summary(assets),
        assets=assets,
        tables=None
        if agreements is None
        else [TableReport(agrees=found.agrees, **asdict(found)) for found in agreements],
        ranges=tables.ranges(),
        features=tables.coverage(),
    )
    with stage(layout, dataset_id) as staged:
        path = staged.path(target)
        write_document(path, written)
        yield from report([keeps_document(path, ValidationReport)], asset_name="validation_report")
        digest, size = tree_digest(path), path.stat().st_size
        # In place before the dataset is judged: who has to mend it needs the report.
        staged.commit(target)
    yield materialized(digest, file_metadata(target, size=size) | _report_metadata(written))
    yield from report(
        [_checks_hold(assets), tables_agree_on_cells(agreements, n_obs=source.n_obs)],
        asset_name="validation_report",
    )


def _n_vars(store: Store, tables: Tables) -> int:
    dataset_id = tables.dataset_id
    _, made_from = tables.find("dataset_profile")
    if made_from != tables.source_sha256:
        return store.source(dataset_id).n_vars
    return read_document(store.layout.profile(dataset_id), DatasetProfile).n_vars


def _summary(assets: Sequence[AssetReport]) -> SummaryReport:
    checks = [check for asset in assets for check in asset.checks]
    broken = [check.severity for check in checks if check.holds is False]
    return SummaryReport(
        n_checks=len(checks),
        n_hold=sum(check.holds is True for check in checks),
        n_broken_error=broken.count("ERROR"),
        n_broken_warn=broken.count("WARN"),
        n_without_result=sum(check.holds is None for check in checks),
    )


def _checks_hold(assets: Sequence[AssetReport]) -> Finding:
    named = {f"{asset.asset}/{check.claim}": check.holds for asset in assets for check in asset.checks}
    return checks_hold(
        [name for name, holds in named.items() if holds is False],
        [name for name, holds in named.items() if holds is None],
        n_checks=len(named),
    )


def _report_metadata(written: ValidationReport) -> Metadata:
    """Show the counts, and the checks that are broken or have no result."""
    rows = pl.DataFrame(
        [
            {"asset": asset.asset, "check": check.claim, "severity": check.severity, "message": check.message}
            for asset in written.assets
            for check in asset.checks
            if not check.holds
        ]
    )
    shown = {} if rows.is_empty() else {"broken": rows_as_markdown(rows, n_rows=50)}
    return as_metadata(written.summary.model_dump()) | shown
