"""From the source file to its metadata: `raw_h5ad`, `dataset_profile`, tables of cells and features."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import polars as pl

from c2s_assets.clients.download import download
from c2s_assets.core.cells.candidates import ObsColumn
from c2s_assets.core.cells.judging import JUDGED_COLUMNS, judge_cells
from c2s_assets.core.cells.survey import ObsSurvey
from c2s_assets.core.columns import (
    APPROVED_SYMBOL,
    CELL_ID,
    FEATURE_ID,
    SYMBOL,
)
from c2s_assets.core.errors import SourceError
from c2s_assets.core.findings import Finding, rows_match
from c2s_assets.core.genes import claims as gene_claims
from c2s_assets.core.genes.features import (
    IS_HIGHLY_VARIABLE,
    add_figures,
    describe_features,
    feature_ids,
)
from c2s_assets.core.genes.kinds import kind_columns
from c2s_assets.core.genes.naming import SYMBOL_SOURCE, VAR_NAME
from c2s_assets.core.unreadable import unread_donors
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.checks import check_reports, check_result
from c2s_assets.defs.metadata import (
    Lineage,
    Metadata,
    as_metadata,
    document_metadata,
    file_metadata,
    rows_as_markdown,
    staged_metadata,
)
from c2s_assets.defs.progress import download_progress, read_blocks
from c2s_assets.defs.publishing import (
    Events,
    dataset_asset,
    materialized,
    publish_table,
    require,
    staged_from_source,
)
from c2s_assets.defs.resources import Store
from c2s_assets.defs.room import state_room
from c2s_assets.schemas.documents import DatasetProfile, InboxNote, Provenance
from c2s_assets.schemas.registry import RAW
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.lake.documents import keeps_document, names_every_key, write_document
from c2s_assets.storage.lake.room import needed_bytes
from c2s_assets.storage.sources.inbox import waiting_bytes
from c2s_assets.storage.sources.profile import matrix_can_be_ranked, profile_h5ad, reads_every_column
from c2s_assets.storage.sources.provenance import held_version, holds_own_file
from c2s_assets.storage.sources.raw import adopt_download, adopt_from_inbox
from c2s_assets.storage.tables.cells import readable, write_cells
from c2s_assets.storage.tables.features import fitted_cells, read_var
from c2s_assets.storage.tables.inputs import read_gene_symbols
from c2s_assets.storage.tables.parquet import (
    read_table,
    table_schema,
)
from c2s_assets.storage.tables.summaries import summarise

# Beyond this an array of uns is data rather than a note on it.
_UNS_VALUES = 10_000


# It reads the listing, and yet has no dependency on it: that changes every day, and every partition of every
# dataset would be shown as out of date. The sensor `refresh` knows which ones are.
@dataset_asset(
    group="ingest",
    kinds={"h5ad"},
    pool="downloads",
    retry_policy=dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL),
)
def raw_h5ad(context: dg.AssetExecutionContext, store: Store) -> Events:
    """The source file, added or as CELLxGENE Discover offers it: verified, with where it came from.

    Deleting a partition only hides the dataset from Dagster: its file and its tables stay in the lake, in the
    catalogue and in `c2s ls`. `c2s rm ID` removes them.
    """
    dataset = store.dataset(context.partition_key)
    try:
        provenance = _adopt(context, store)
    except SourceError as error:
        refused = Finding("keeps_schema", False, str(error))
        yield check_result(refused, asset_name=RAW)
        dataset.refuse(RAW, str(error), checks=check_reports([refused], asset_name=RAW))
        raise
    found = [Finding("keeps_schema", True, _describe(provenance))]
    yield from require(dataset, RAW, found)
    dataset.take_source(provenance, check_reports(found, asset_name=RAW))
    path = store.layout.raw_h5ad(dataset.dataset_id)
    metadata = file_metadata(path, size=provenance.size_bytes) | _origin_metadata(provenance)
    yield materialized(provenance.sha256, metadata)


@dataset_asset(group="ingest", kinds={"json"})
def dataset_profile(context: dg.AssetExecutionContext, store: Store) -> Events:
    """Structure of the source file, figures of its columns, and which matrix holds what kind of values."""
    with staged_from_source(context, store) as (staged, h5ad):
        dataset = staged.dataset
        profile = profile_h5ad(
            h5ad,
            dataset_id=dataset.dataset_id,
            source_sha256=dataset.source.sha256,
            entry=dataset.entry,
            rows_per_block=store.rows_per_block,
        )
        write_document(staged.path(), profile)
        claims = [
            keeps_document(staged.path(), DatasetProfile),
            matrix_can_be_ranked(profile),
            reads_every_column(profile),
        ]
        metadata = document_metadata(staged) | _profile_metadata(profile)
        yield from publish_table(staged, claims=claims, metadata=metadata)


# It asks the listing for the collection without a dependency on it, as `raw_h5ad` does.
@dataset_asset(group="ingest", kinds={"parquet"})
def cell_metadata(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: its donor, its organism, its age in years, and all obs columns of the source."""
    with staged_from_source(context, store) as (staged, h5ad):
        profile = staged.dataset.profile
        survey = write_cells(staged, h5ad, collection_id=staged.dataset.collection_id)
        cells = read_table(staged.path(), columns=JUDGED_COLUMNS)
        made_of = lineage.of_cell_metadata(readable(profile.obs_columns), survey.sources)
        yield from publish_table(
            staged,
            claims=_claims_of_cells(staged.dataset, cells, h5ad.obs.index(), survey=survey),
            metadata=staged_metadata(staged, lineage=made_of) | _figures_of_cells(staged, cells),
        )


# The split is made of cells alone, in a module that imports this one: hence its name, not the asset.
@dataset_asset(group="ingest", kinds={"parquet"})
def feature_metadata(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per feature of the chosen matrix: its id, symbol, figures of its values, all var columns."""
    hgnc, hgnc_version = read_gene_symbols(store.layout)
    with staged_from_source(context, store) as (staged, h5ad):
        dataset, profile = staged.dataset, staged.dataset.profile
        is_fitted = fitted_cells(dataset)
        source = read_var(h5ad, profile=profile, entry=dataset.entry)
        named = describe_features(*source, symbol_column=dataset.entry.symbol_column, hgnc=hgnc)
        blocks = read_blocks(h5ad.matrix(profile.layer), rows=store.rows_per_block, log=context.log)
        summary = summarise(dataset, blocks, is_fitted=is_fitted)
        features = add_figures(named, **vars(summary))
        scope, n_fitted = dataset.settings.projections.fit_scope, int(is_fitted.sum())
        staged.write([features], fit_scope=scope, n_fitted=n_fitted, hgnc_version=hgnc_version)
        made_of = _lineage_of_features(features, source[1], layer=profile.layer, has_hgnc=hgnc is not None)
        yield from publish_table(
            staged,
            claims=_claims_of_features(features, *source, layer=profile.layer),
            metadata=staged_metadata(staged, lineage=made_of)
            | as_metadata({"fit_scope": scope, "n_fitted": n_fitted, "hgnc_version": hgnc_version})
            | _figures_of_features(features, has_hgnc=hgnc is not None),
        )


@dataset_asset(group="ingest", kinds={"json"})
def unstructured_metadata(context: dg.AssetExecutionContext, store: Store) -> Events:
    """The `uns` of the source as JSON; long arrays are summarised, nothing is left out silently."""
    with staged_from_source(context, store) as (staged, h5ad):
        uns = h5ad.uns(max_values=_UNS_VALUES)
        write_document(staged.path(), uns)
        yield from publish_table(
            staged,
            claims=[names_every_key(staged.path(), h5ad.uns_keys)],
            metadata=document_metadata(staged) | as_metadata({"n_keys": len(uns), "keys": ", ".join(uns)}),
        )


def _describe(source: Provenance) -> str:
    return f"{source.n_obs:,} cells and {source.n_vars:,} features, {source.size_bytes:,} bytes."


def _origin_metadata(source: Provenance) -> Metadata:
    figures = source.model_dump(exclude={"sha256", "size_bytes", "converted_from"})
    origin = source.converted_from
    return as_metadata(
        {**figures, "converted_from": None if origin is None else f"{origin.name}, a {origin.format}"}
    )


def _adopt(context: dg.AssetExecutionContext, store: Store) -> Provenance:
    """Take what waits in the inbox, or keep what came from there; else fetch what Discover offers, if new."""
    dataset_id, layout = context.partition_key, store.layout
    is_given = layout.inbox_h5ad(dataset_id).exists() or holds_own_file(layout, dataset_id=dataset_id)
    offer = None if is_given else store.offer(dataset_id)
    if offer is None or offer.dataset_version_id == held_version(store.layout, dataset_id=dataset_id):
        needed = needed_bytes(layout, dataset_id, source_bytes=waiting_bytes(layout, dataset_id))
        state_room(context, layout, needed)
        return adopt_from_inbox(store.layout, dataset_id=dataset_id)
    needed = needed_bytes(layout, dataset_id, source_bytes=offer.size_bytes or 0, is_to_come=True)
    state_room(context, layout, needed)

    def fetch(target: Path) -> InboxNote:
        progress = download_progress(context.log)
        fetched = download(offer.url, target, size_bytes=offer.size_bytes, progress=progress)
        return InboxNote(
            url=fetched.url,
            etag=fetched.etag,
            dataset_version_id=offer.dataset_version_id,
            retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    context.log.info(f"fetching version {offer.dataset_version_id} from CELLxGENE Discover")
    return adopt_download(
        store.layout, dataset_id=dataset_id, dataset_version_id=offer.dataset_version_id, fetch=fetch
    )


def _profile_metadata(profile: DatasetProfile) -> Metadata:
    return as_metadata(
        {
            "n_obs": profile.n_obs,
            "n_vars": profile.n_vars,
            "organism": profile.organism,
            "layer": profile.layer,
            "layer_reason": profile.layer_reason,
            "verdict": profile.verdict.kind,
            "matrices": ", ".join(f"{m.name} ({m.encoding} {m.dtype})" for m in profile.matrices),
            "embeddings": ", ".join(profile.embeddings) or "none",
            "predicted_memory_bytes": profile.predicted_memory_bytes,
            **profile.origin.model_dump(),
        }
    )


def _claims_of_cells(
    dataset: Dataset, cells: pl.DataFrame, in_source: pl.Series, *, survey: ObsSurvey
) -> list[Finding]:
    profile = dataset.profile
    columns = [ObsColumn(c.name, c.dtype, c.encoding, c.n_distinct) for c in profile.obs_columns]
    unread = unread_donors(dataset.entry, profile.obs_not_read)
    return [
        rows_match("rows_match_source", cells[CELL_ID], in_source, of="obs in the source"),
        *judge_cells(cells, survey=survey, columns=columns, unread=unread),
    ]


def _claims_of_features(
    features: pl.DataFrame, var_names: pl.Series, var: pl.DataFrame, *, layer: str
) -> list[Finding]:
    return [
        rows_match("rows_match_source", features[VAR_NAME], var_names, of=f"the features of {layer}"),
        gene_claims.feature_ids_are_unique(feature_ids(var_names, var)),
        gene_claims.symbols_are_known(features),
    ]


def _figures_of_cells(staged: DatasetStage, cells: pl.DataFrame) -> Metadata:
    """Name the columns that are called otherwise in the source, and draw ages and types."""
    profile, path = staged.dataset.profile, staged.path()
    category = profile.category(staged.dataset.entry)
    written = table_schema(path).names
    renamed = [
        f"{column.name} is {column.name_in_table}"
        for column in profile.obs_columns
        if column.name_in_table != column.name and column.name_in_table in written
    ]
    shown = as_metadata({"renamed": ", ".join(renamed) or None})
    if (picture := plots.ages(cells)) is not None:
        shown["ages"] = picture
    if category is not None:
        shown["cell_types"] = plots.cells_per_category(read_table(path, columns=[category])[category])
    return shown


def _symbol_sources(features: pl.DataFrame) -> pl.Series:
    return features[SYMBOL_SOURCE].drop_nulls().unique(maintain_order=True)


def _lineage_of_features(features: pl.DataFrame, var: pl.DataFrame, *, layer: str, has_hgnc: bool) -> Lineage:
    return lineage.of_feature_metadata(
        var.columns,
        layer=layer,
        symbol_sources=_symbol_sources(features),
        kind_sources=kind_columns(var),
        has_hgnc=has_hgnc,
    )


def _figures_of_features(features: pl.DataFrame, *, has_hgnc: bool) -> Metadata:
    """Tell where symbols are from, and show the first that are not what HGNC calls their gene today."""
    is_variable = features[IS_HIGHLY_VARIABLE]
    is_known = is_variable.null_count() < features.height
    shown = as_metadata(
        {
            "symbols_from": ", ".join(_symbol_sources(features)),
            "n_highly_variable": int(is_variable.sum()) if is_known else None,
        }
    )
    if not has_hgnc:
        return shown
    renamed = features.filter(pl.col(SYMBOL) != pl.col(APPROVED_SYMBOL))
    shown |= as_metadata({"n_renamed": renamed.height})
    if renamed.height:
        shown["renamed"] = rows_as_markdown(renamed.select(FEATURE_ID, SYMBOL, APPROVED_SYMBOL), n_rows=20)
    return shown
