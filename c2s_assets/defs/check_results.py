"""What Dagster's event log knows of the checks of one dataset."""

import math
from collections import defaultdict
from typing import Any

import dagster as dg
from dagster import AssetCheckKey

# Not exported in Dagster 1.13, where checks with partitions are in preview.
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import (
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
)

from c2s_assets.core.reports.text import from_markdown
from c2s_assets.core.reports.validation import WITHOUT_RESULT, Attempt, Outcome, judge_asset
from c2s_assets.defs.checks import CHECKS
from c2s_assets.schemas.documents import AssetReport, CheckReport
from c2s_assets.storage.tables.consistency import Tables

# Attempts since the last published one, beyond which nobody looks: refused or interrupted builds in a row.
_N_ATTEMPTS = 10
_RAW = dg.AssetKey("raw_h5ad")
# Figures, unlike the rows that break a claim, which are shown in the UI only.
_FIGURES = (dg.TextMetadataValue, dg.IntMetadataValue, dg.FloatMetadataValue)


def report_asset(instance: dg.DagsterInstance, asset_name: str, tables: Tables) -> AssetReport:
    """Report how an asset of one dataset stands, with the present result of each of its checks."""
    is_there, made_from = tables.find(asset_name)
    state, attempt = judge_asset(
        read_attempts(instance, asset_name, dataset_id=tables.dataset_id),
        source_sha256=tables.source_sha256,
        is_there=is_there,
        made_from=made_from,
    )
    outcomes = attempt.outcomes if attempt is not None else {}
    return AssetReport(
        asset=asset_name,
        state=state,
        checks=[
            CheckReport(
                claim=check.claim,
                description=check.description,
                severity="ERROR" if check.blocking else "WARN",
                holds=outcome.holds if outcome else None,
                message=outcome.message if outcome else WITHOUT_RESULT[state],
                figures=dict(outcome.figures) if outcome else {},
            )
            for check in CHECKS[asset_name]
            for outcome in [outcomes.get(check.claim)]
        ],
    )


def read_attempts(instance: dg.DagsterInstance, asset_name: str, *, dataset_id: str) -> list[Attempt]:
    """Read what the latest runs found of an asset of one dataset, newest first, also of a run that goes on.

    The log orders checks by when a run planned them; here an attempt is as new as its last check. Checks
    that were planned and never made are no result.
    """
    asset_key = dg.AssetKey(asset_name)
    published = _latest_materialization(instance, asset_key, dataset_id=dataset_id)
    runs: dict[str, dict[str, Any]] = defaultdict(dict)
    for check in CHECKS[asset_name]:
        records = instance.event_log_storage.get_asset_check_execution_history(
            AssetCheckKey(asset_key, check.claim),
            limit=_N_ATTEMPTS,
            status=COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
            partition_filter=PartitionKeyFilter(key=dataset_id),
        )
        for record in records:
            runs[record.run_id][check.claim] = record
    ended = {
        run_id: max(record.event.timestamp for record in found.values()) for run_id, found in runs.items()
    }
    attempts = []
    for run_id in sorted(ended, key=lambda run_id: ended[run_id], reverse=True):
        is_published = published is not None and published.run_id == run_id
        attempts.append(
            Attempt(
                outcomes={claim: _outcome(record.evaluation) for claim, record in runs[run_id].items()},
                source_sha256=_digest(published)
                if is_published and asset_key == _RAW
                else _source_at(
                    instance, published.timestamp if is_published else ended[run_id], dataset_id=dataset_id
                ),
                is_published=is_published,
                n_rows=_figure(published, "dagster/row_count") if is_published else None,
            )
        )
    return attempts


def _outcome(evaluation: Any) -> Outcome:
    return Outcome(
        holds=evaluation.passed,
        is_blocking=evaluation.severity == dg.AssetCheckSeverity.ERROR,
        message=from_markdown(evaluation.description or ""),
        figures={
            name: _finite(value.value)
            for name, value in evaluation.metadata.items()
            if isinstance(value, _FIGURES)
        },
    )


def _finite(value: Any) -> Any:
    """JSON knows no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _source_at(instance: dg.DagsterInstance, timestamp: float, *, dataset_id: str) -> str | None:
    """Digest of the source file that was in place at a time."""
    found = _latest_materialization(instance, _RAW, dataset_id=dataset_id, before=timestamp)
    return None if found is None else _digest(found)


def _digest(record: Any) -> str | None:
    digest = _figure(record, "digest")
    return None if digest is None else str(digest)


def _figure(record: Any, name: str) -> Any:
    value = record.asset_materialization.metadata.get(name)
    return None if value is None else value.value


def _latest_materialization(
    instance: dg.DagsterInstance, asset_key: dg.AssetKey, *, dataset_id: str, before: float | None = None
) -> Any:
    found = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key, asset_partitions=[dataset_id], before_timestamp=before), limit=1
    )
    return next(iter(found.records), None)
