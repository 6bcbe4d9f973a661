"""The frame of every dataset asset: our errors are final; only what keeps its claims is published."""

import functools
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path

import dagster as dg
import polars as pl

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.errors import (
    BrokenClaimError,
    BusyServerError,
    C2SError,
    DownloadError,
    MachineError,
    WithdrawnError,
)
from c2s_assets.core.findings import Finding
from c2s_assets.defs.checks import (
    broken_claims,
    check_reports,
    check_result,
    check_specs,
    describe_broken,
    rows_match_cells,
)
from c2s_assets.defs.metadata import Metadata, page_metadata
from c2s_assets.defs.partitions import datasets
from c2s_assets.defs.resources import Store
from c2s_assets.defs.room import where_there_is_room
from c2s_assets.schemas.registry import CELLS, TABLES
from c2s_assets.schemas.violations import keeps_schema, larger
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.h5ad.source import H5ad
from c2s_assets.storage.holdings import not_asked_for
from c2s_assets.storage.lake.denials import machine_error
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.lake.presence import beside_others
from c2s_assets.storage.lake.staging import Stage
from c2s_assets.storage.streams import one_ahead

# Of a run: the asset of a dataset that was refused, which another run would not change.
REFUSED = "c2s/refused"

_OWNERS = ["team:c2s_assets"]

Events = Iterator[dg.AssetCheckResult | dg.Output[None] | dg.MaterializeResult]  # type: ignore[type-arg]


def dataset_asset(
    *,
    group: str,
    kinds: set[str],
    pool: str | None = None,
    retry_policy: dg.RetryPolicy | None = None,
) -> Callable[[Callable[..., Events]], dg.AssetsDefinition]:
    """Declare an asset with one partition per dataset: what it reads and its version are in the registry.

    Its checks are those that `CHECKS` lists for its name. Datasets that would have to ask for it, and
    did not, pass it over.
    """

    def declare(function: Callable[..., Events]) -> dg.AssetsDefinition:
        declared, step = TABLES[function.__name__], where_there_is_room(function)
        return dg.asset(
            partitions_def=datasets,
            group_name=group,
            kinds=kinds,
            # Dagster passes over whatever depends on something that was passed over.
            deps=[dg.AssetKey(name) for name in declared.waits_for],
            output_required=declared.asked_by is None,
            # Of steps that could be next, Dagster takes the one of the highest priority.
            op_tags={"dagster/priority": str(len(TABLES) - list(TABLES).index(declared.name))},
            code_version=declared.code_version,
            owners=_OWNERS,
            check_specs=check_specs(function.__name__, datasets),
            pool=pool,
            retry_policy=retry_policy,
        )(final_errors(_where_asked_for(step) if declared.asked_by else step))

    return declare


def lake_asset(
    *,
    group: str,
    kinds: set[str],
    code_version: str,
    deps: Sequence[str | dg.AssetDep] = (),
    partitions_def: dg.PartitionsDefinition[str] | None = None,
    retry_policy: dg.RetryPolicy | None = None,
    freshness_policy: dg.FreshnessPolicy | None = None,
) -> Callable[[Callable[..., Events]], dg.AssetsDefinition]:
    """Declare an asset that is made of the whole lake, or for it; its checks as `dataset_asset`."""

    def declare(function: Callable[..., Events]) -> dg.AssetsDefinition:
        return dg.asset(
            partitions_def=partitions_def,
            group_name=group,
            kinds=kinds,
            deps=deps,
            code_version=code_version,
            owners=_OWNERS,
            check_specs=check_specs(function.__name__, partitions_def),
            retry_policy=retry_policy,
            freshness_policy=freshness_policy,
        )(final_errors(function))

    return declare


def final_errors(function: Callable[..., Events]) -> Callable[..., Events]:
    """Turn our errors into failures that name the dataset; only that a server is busy may pass by itself.

    Others on the lake, if there are any, see that somebody writes to it, wherever the run was started.

    What is wrong with a dataset, and not with the network or the machine, stands in its record.
    """

    @functools.wraps(function)
    def guarded(context: dg.AssetExecutionContext, *args: object, **kwargs: object) -> Events:
        store = kwargs.get("store")
        try:
            with beside_others(store.layout) if isinstance(store, Store) else nullcontext():
                yield from function(context, *args, **kwargs)
        except Exception as failure:  # of any library that writes for us; a bug is raised again
            error = _as_ours(failure, store)
            if error is None:
                raise
            subject = _subject(context)
            if _is_of_dataset(context) and not _may_pass(error):
                context.instance.add_run_tags(context.run.run_id, {REFUSED: _asset(context)})
                assert isinstance(store, Store)  # noqa: S101
                if not isinstance(error, BrokenClaimError):
                    _record_refusal(context, error, store)
            raise dg.Failure(
                f"{subject}{error}", allow_retries=isinstance(error, BusyServerError)
            ) from failure

    return guarded


@contextmanager
def staged_asset(context: dg.AssetExecutionContext, store: Store) -> Iterator[DatasetStage]:
    """Open a place to write the asset of the run's dataset."""
    with store.dataset(context.partition_key).stage(_asset(context)) as staged:
        yield staged


@contextmanager
def staged_from_source(
    context: dg.AssetExecutionContext, store: Store
) -> Iterator[tuple[DatasetStage, H5ad]]:
    """Open a place to write the asset of the run's dataset, and the source file."""
    with store.dataset(context.partition_key).stage_from_source(_asset(context)) as opened:
        yield opened


def publish_table(
    staged: DatasetStage,
    *,
    metadata: Metadata,
    claims: Iterable[Finding] = (),
    blocks: Generator[pl.DataFrame] | None = None,
    shown: Sequence[Finding] = (),
) -> Events:
    """Report what is found of an asset of a dataset; then commit it, unless a blocking claim is broken.

    What the registry says of its form is looked at here: that it keeps its model, and has the rows of
    `cell_metadata`. A broken claim leaves the previous version in place and records no materialization; the
    record of the dataset says what was refused.

    Parameters
    ----------
    claims
        What else must hold of it; they are asked for after all blocks were read.
    blocks
        The written table, for who collects something on the way, so that it is read once. It is read in a
        thread of its own, one block ahead.
    shown
        Findings that `require` has shown before.
    """
    with closing(one_ahead(staged.written() if blocks is None else blocks)) as read:
        found = [*_declared_claims(staged, read), *claims]
    yield from require(staged.dataset, staged.asset, found, shown=shown)
    checks = check_reports([*shown, *found], asset_name=staged.asset)
    yield materialized(staged.commit(checks).digest, page_metadata(staged.dataset) | metadata)


def require(
    dataset: Dataset, asset: str, findings: Sequence[Finding], *, shown: Sequence[Finding] = ()
) -> Iterator[dg.AssetCheckResult]:
    """Show findings on an asset of a dataset; if a blocking claim is broken, record that and stop."""
    try:
        yield from report(findings, asset_name=asset)
    except BrokenClaimError as error:
        dataset.refuse(asset, str(error), checks=check_reports([*shown, *findings], asset_name=asset))
        raise


def publish(
    context: dg.AssetExecutionContext,
    staged: Stage,
    *targets: Path,
    findings: Iterable[Finding],
    metadata: Metadata,
    version: str | None = None,
) -> Events:
    """Report the findings; then commit what is staged, unless a blocking claim is broken.

    A broken claim leaves the previous version in place and records no materialization. Its data version is
    the digest of what was written, unless another one is given.
    """
    asset_name = _asset(context)
    found = list(findings)
    yield from report(found, asset_name=asset_name)
    digest = tree_digest(*(staged.path(target) for target in targets))
    staged.commit(*targets)
    yield materialized(digest, metadata, version=version)


def report(findings: Sequence[Finding], *, asset_name: str) -> Iterator[dg.AssetCheckResult]:
    """Show findings in the UI; fail the step if a blocking claim is broken."""
    for finding in findings:
        yield check_result(finding, asset_name=asset_name)
    broken = broken_claims(findings, asset_name=asset_name)
    if broken:
        raise BrokenClaimError(describe_broken(broken))


def skip_checks(context: dg.AssetExecutionContext) -> Iterator[dg.Output[None]]:
    """Report none of the step's checks: the UI shows each as skipped, and what was found last stays.

    Dagster fails a step that leaves out the output of a check, so each has one, without a result.
    """
    for output_name in context.assets_def.check_specs_by_output_name:
        yield dg.Output(None, output_name=output_name)


def _where_asked_for(function: Callable[..., Events]) -> Callable[..., Events]:
    """Make an asset of the datasets that are to have it; in others there is no result, and no failure."""

    @functools.wraps(function)
    def made(context: dg.AssetExecutionContext, store: Store, **resources: object) -> Events:
        missing = not_asked_for(store.dataset(context.partition_key), [function.__name__])
        if missing:
            context.log.info(f"Nothing is made: {missing[function.__name__]}")
            yield from skip_checks(context)
        else:
            yield from function(context, store=store, **resources)

    return made


def _declared_claims(staged: DatasetStage, blocks: Iterable[pl.DataFrame]) -> Iterator[Finding]:
    declared = TABLES[staged.asset]
    if declared.keeps_model:
        yield keeps_schema(larger(blocks), declared.model)
    if declared.follows_cells:
        yield rows_match_cells(staged.path(), staged.dataset.read(CELLS, columns=[CELL_ID])[CELL_ID])


def _asset(context: dg.AssetExecutionContext) -> str:
    return str(context.asset_key.to_user_string())


def _is_of_dataset(context: dg.AssetExecutionContext) -> bool:
    return bool(context.has_partition_key and context.assets_def.partitions_def == datasets)


def _subject(context: dg.AssetExecutionContext) -> str:
    """Name what the step is about, in front of what went wrong with it."""
    if not context.has_partition_key:
        return ""
    return f"{'dataset' if _is_of_dataset(context) else 'release'} {context.partition_key}: "


def _as_ours(error: Exception, store: object) -> C2SError | None:
    """Return an error of ours, and one about the machine in our words; None for a bug."""
    if isinstance(error, C2SError):
        return error
    return machine_error(error, store.layout.root) if isinstance(store, Store) else None


def _may_pass(error: C2SError) -> bool:
    """Whether an error is about the network or the machine, and not about the dataset."""
    if isinstance(error, MachineError):
        return True
    return isinstance(error, DownloadError) and not isinstance(error, WithdrawnError)


def _record_refusal(context: dg.AssetExecutionContext, error: C2SError, store: Store) -> None:
    """Keep an error in the dataset's record, if that can be written: the error itself matters more."""
    with suppress(C2SError, OSError):
        dataset, asset = store.dataset(context.partition_key), _asset(context)
        said = dataset.record().refused.get(asset)
        if said is None or said.message != str(error):  # the asset may have said it, with its checks
            dataset.refuse(asset, str(error))


def materialized(digest: str, metadata: Metadata, *, version: str | None = None) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Record what was published, under its digest or another version."""
    return dg.MaterializeResult(
        metadata={"digest": dg.MetadataValue.text(digest), **metadata},
        data_version=dg.DataVersion(version or digest),
    )
