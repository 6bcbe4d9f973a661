"""What goes out: the report on a dataset's checks, and its page for a browser."""

from collections.abc import Sequence
from dataclasses import asdict

import dagster as dg
import polars as pl

from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.findings import Finding
from c2s_assets.core.reports.validation import TableAgreement, checks_hold, tables_agree_on_cells
from c2s_assets.defs.check_results import report_assets
from c2s_assets.defs.checks import check_reports
from c2s_assets.defs.metadata import Metadata, as_metadata, document_metadata, page_metadata, rows_as_markdown
from c2s_assets.defs.publishing import (
    Events,
    dataset_asset,
    materialized,
    publish_table,
    report,
    require,
    staged_asset,
)
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.documents import (
    AssetReport,
    SummaryReport,
    TableReport,
    ValidationReport,
)
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.lake.documents import keeps_document, write_document
from c2s_assets.storage.pages.dataset_page import dataset_page
from c2s_assets.storage.tables.consistency import Tables


@dataset_asset(group="publish", kinds={"json", "html"})
def validation_report(context: dg.AssetExecutionContext, store: Store) -> Events:
    """Results of all checks of the dataset with their figures, as JSON, and a page on it for a browser."""
    with staged_asset(context, store) as staged:
        dataset, path = staged.dataset, staged.path(staged.target)
        assets = report_assets(dataset)
        agreements = Tables(dataset).compare()
        written = _report(dataset, assets, agreements)
        write_document(path, written)
        page = staged.path(dataset.layout.dataset_page(dataset.dataset_id))
        page.write_text(dataset_page(dataset, written, category=_category(dataset)), encoding="utf-8")
        keeps = [keeps_document(path, ValidationReport)]
        yield from require(dataset, staged.asset, keeps)
        metadata = page_metadata(dataset) | document_metadata(staged) | _report_metadata(written)
        judged = [_checks_hold(assets), tables_agree_on_cells(agreements, n_obs=written.n_obs)]
        # In place before the dataset is judged: who has to mend it needs the report.
        built = staged.commit(check_reports([*keeps, *judged], asset_name=staged.asset))
    yield materialized(built.digest, metadata)
    yield from report(judged, asset_name=staged.asset)


@dataset_asset(group="publish", kinds={"markdown"})
def dataset_card(context: dg.AssetExecutionContext, store: Store) -> Events:
    """README.md of the dataset: what its cells are, how they were split and are loaded, whose work it is."""
    from c2s_assets.storage.releases.dataset_card import look_at_card, write_card_of

    with staged_asset(context, store) as staged:
        dataset, card = staged.dataset, staged.path(staged.target)
        write_card_of(dataset, card.parent)
        yield from publish_table(
            staged, metadata=document_metadata(staged), claims=look_at_card(dataset, card.parent)
        )


def _report(
    dataset: Dataset, assets: list[AssetReport], agreements: Sequence[TableAgreement] | None
) -> ValidationReport:
    source, tables = dataset.source, Tables(dataset)
    return ValidationReport(
        dataset_id=dataset.dataset_id,
        source_sha256=source.sha256,
        n_obs=source.n_obs,
        n_vars=_n_vars(dataset),
        summary=_summary(assets),
        assets=assets,
        tables=None
        if agreements is None
        else [TableReport(agrees=found.agrees, **asdict(found)) for found in agreements],
        ranges=tables.ranges(),
        features=tables.coverage(),
    )


def _n_vars(dataset: Dataset) -> int:
    """Count the features of the chosen matrix or, while it is not known which that is, those of X."""
    try:
        return dataset.profile.n_vars
    except MissingInputError:
        return dataset.source.n_vars


def _category(dataset: Dataset) -> str | None:
    try:
        return dataset.profile.category(dataset.entry)
    except MissingInputError:
        return None


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
