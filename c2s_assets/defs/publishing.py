"""The frame of every dataset asset: our errors are final; only what keeps its claims is published."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import dagster as dg

from c2s_assets.core.errors import BrokenClaimError, C2SError, DownloadError, WithdrawnError
from c2s_assets.core.findings import Finding
from c2s_assets.defs.checks import broken_claims, check_result, check_specs
from c2s_assets.defs.metadata import Metadata
from c2s_assets.defs.partitions import datasets
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.lake.staging import Stage

Events = Iterator[dg.AssetCheckResult | dg.MaterializeResult]  # type: ignore[type-arg]


def dataset_asset(
    *,
    group: str,
    kinds: set[str],
    deps: Sequence[dg.AssetsDefinition | dg.AssetKey] = (),
    code_version: str = "1",
    pool: str | None = None,
    retry_policy: dg.RetryPolicy | None = None,
) -> Callable[[Callable[..., Events]], dg.AssetsDefinition]:
    """Declare an asset with one partition per dataset and the checks that `CHECKS` lists for its name."""

    def declare(function: Callable[..., Events]) -> dg.AssetsDefinition:
        return dg.asset(
            partitions_def=datasets,
            group_name=group,
            kinds=kinds,
            deps=deps,
            code_version=code_version,
            owners=["team:c2s_assets"],
            check_specs=check_specs(function.__name__, datasets),
            pool=pool,
            retry_policy=retry_policy,
        )(final_errors(function))

    return declare


def final_errors(function: Callable[..., Events]) -> Callable[..., Events]:
    """Turn our errors into failures that name the dataset; only those of the network may pass."""

    @functools.wraps(function)
    def guarded(context: dg.AssetExecutionContext, *args: object, **kwargs: object) -> Events:
        try:
            yield from function(context, *args, **kwargs)
        except C2SError as error:
            subject = f"dataset {context.partition_key}: " if context.has_partition_key else ""
            may_pass = isinstance(error, DownloadError) and not isinstance(error, WithdrawnError)
            raise dg.Failure(f"{subject}{error}", allow_retries=may_pass) from error

    return guarded


def publish(
    context: dg.AssetExecutionContext,
    staged: Stage,
    *targets: Path,
    findings: Iterable[Finding],
    metadata: Metadata,
) -> Events:
    """Report the findings; then commit what is staged, unless a blocking claim is broken.

    A broken claim leaves the previous version in place and records no materialization.
    """
    asset_name = context.asset_key.to_user_string()
    found = list(findings)
    yield from report(found, asset_name=asset_name)
    digest = tree_digest(*(staged.path(target) for target in targets))
    staged.commit(*targets)
    yield materialized(digest, metadata)


def report(findings: Sequence[Finding], *, asset_name: str) -> Iterator[dg.AssetCheckResult]:
    """Show findings in the UI; fail the step if a blocking claim is broken."""
    for finding in findings:
        yield check_result(finding, asset_name=asset_name)
    broken = broken_claims(findings, asset_name=asset_name)
    if broken:
        raise BrokenClaimError("; ".join(f"{finding.claim}: {finding.message}" for finding in broken))


def materialized(digest: str, metadata: Metadata) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Record what was published, under its digest."""
    return dg.MaterializeResult(
        metadata={"digest": dg.MetadataValue.text(digest), **metadata}, data_version=dg.DataVersion(digest)
    )
