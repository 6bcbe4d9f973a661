"""From the source file to its metadata: `raw_h5ad`, `dataset_profile`, tables of cells and features."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.clients.download import download
from c2s_assets.core.cells import claims as cell_claims
from c2s_assets.core.cells.candidates import ObsColumn, age_candidates, donor_candidates
from c2s_assets.core.cells.metadata import describe_cells
from c2s_assets.core.cells.provenance import Publication
from c2s_assets.core.cells.survey import survey_cells
from c2s_assets.core.columns import (
    AGE,
    AGE_HIGH,
    AGE_LOW,
    AGE_METHOD,
    APPROVED_SYMBOL,
    CELL_ID,
    CELL_TYPE,
    DONOR_ID,
    DONOR_UID,
    FEATURE_ID,
    FEATURE_KIND,
    HAS_KNOWN_DONOR,
    LIFE_STAGE,
    ORGANISM,
    SPLIT,
    SPLIT_LEVEL,
    SYMBOL,
)
from c2s_assets.core.errors import SourceError
from c2s_assets.core.expression import claims as matrix_claims
from c2s_assets.core.expression.sampling import in_train
from c2s_assets.core.findings import Finding, rows_match
from c2s_assets.core.genes import claims as gene_claims
from c2s_assets.core.genes.features import (
    IS_HIGHLY_VARIABLE,
    MEAN,
    N_CELLS,
    add_figures,
    describe_features,
    feature_ids,
)
from c2s_assets.core.genes.joining import add_missing_columns
from c2s_assets.core.genes.kinds import kind_columns
from c2s_assets.core.genes.naming import SYMBOL_SOURCE, VAR_NAME
from c2s_assets.core.settings import DatasetEntry
from c2s_assets.core.unreadable import OF_CELLS, OF_FEATURES, refuse_unreadable, unread_donors
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.checks import check_reports, check_result
from c2s_assets.defs.metadata import Metadata, as_metadata, file_metadata, rows_as_markdown, table_metadata
from c2s_assets.defs.progress import download_progress, read_blocks
from c2s_assets.defs.publishing import Events, dataset_asset, materialized, publish_table, require
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.documents import ColumnProfile, DatasetProfile, InboxNote, MatrixProfile, Provenance
from c2s_assets.schemas.tables import CellMetadata, FeatureMetadata
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.h5ad.frames import Frame
from c2s_assets.storage.h5ad.source import H5ad
from c2s_assets.storage.lake.documents import keeps_document, names_every_key, write_document
from c2s_assets.storage.sources.profile import profile_h5ad
from c2s_assets.storage.sources.provenance import held_version, holds_own_file
from c2s_assets.storage.sources.raw import adopt_download, adopt_from_inbox
from c2s_assets.storage.tables.inputs import footer, read_gene_symbols
from c2s_assets.storage.tables.parquet import (
    iter_table,
    read_rows,
    read_table,
    table_schema,
    write_blocks,
)

_CELLS_PER_BLOCK = 65_536
_CHECKED_COLUMNS = [CELL_ID, DONOR_ID, HAS_KNOWN_DONOR, AGE, AGE_LOW, AGE_HIGH, AGE_METHOD, LIFE_STAGE]
_CELL_PREVIEW = [
    *(CELL_ID, DONOR_ID, HAS_KNOWN_DONOR, ORGANISM),
    *(AGE, AGE_LOW, AGE_HIGH, AGE_METHOD, LIFE_STAGE),
]
_FEATURE_PREVIEW = [
    *(FEATURE_ID, SYMBOL, APPROVED_SYMBOL, SYMBOL_SOURCE, FEATURE_KIND, VAR_NAME),
    *(N_CELLS, MEAN, IS_HIGHLY_VARIABLE),
]
_MOST_CATEGORIES = 60
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
    """The source file, added or as CELLxGENE Discover offers it: verified, with where it came from."""
    dataset = store.dataset(context.partition_key)
    try:
        provenance = _adopt(context, store)
    except SourceError as error:
        refused = Finding("keeps_schema", False, str(error))
        yield check_result(refused, asset_name="raw_h5ad")
        dataset.refuse("raw_h5ad", str(error), checks=check_reports([refused], asset_name="raw_h5ad"))
        raise
    message = (
        f"{provenance.n_obs:,} cells and {provenance.n_vars:,} features, {provenance.size_bytes:,} bytes."
    )
    found = [Finding("keeps_schema", True, message)]
    yield from require(dataset, "raw_h5ad", found)
    dataset.take_source(provenance, check_reports(found, asset_name="raw_h5ad"))
    metadata = file_metadata(store.layout.raw_h5ad(dataset.dataset_id), size=provenance.size_bytes)
    figures = provenance.model_dump(exclude={"sha256", "size_bytes", "converted_from"})
    origin = provenance.converted_from
    figures["converted_from"] = None if origin is None else f"{origin.name}, a {origin.format}"
    yield materialized(provenance.sha256, metadata | as_metadata(figures))


@dataset_asset(group="ingest", kinds={"json"})
def dataset_profile(context: dg.AssetExecutionContext, store: Store) -> Events:
    """Structure of the source file, figures of its columns, and which matrix holds what kind of values."""
    dataset = store.dataset(context.partition_key)
    source = dataset.source
    with (
        dataset.stage("dataset_profile") as staged,
        dataset.open_h5ad(scratch=staged.folder) as h5ad,
    ):
        profile = profile_h5ad(
            h5ad,
            dataset_id=dataset.dataset_id,
            source_sha256=source.sha256,
            entry=dataset.entry,
            rows_per_block=store.rows_per_block,
        )
        write_document(staged.path(), profile)
        yield from publish_table(
            staged,
            findings=[keeps_document(staged.path(), DatasetProfile), _reads_every_column(profile)],
            metadata=file_metadata(staged.target, size=staged.path().stat().st_size)
            | _profile_metadata(profile),
        )


# It asks the listing for the collection without a dependency on it, as `raw_h5ad` does.
@dataset_asset(group="ingest", kinds={"parquet"})
def cell_metadata(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: its donor, its organism, its age in years, and all obs columns of the source."""
    from c2s_assets.storage.sources.publications import read_publication

    dataset = store.dataset(context.partition_key)
    entry = dataset.entry
    profile = dataset.profile
    listed = read_publication(store.layout, dataset_id=dataset.dataset_id) or Publication()
    collection_id = profile.origin.collection_id or listed.collection_id
    refuse_unreadable(entry, profile.obs_not_read, keys=OF_CELLS)
    readable = [column.name for column in profile.obs_columns if column.not_read is None]
    columns = [ObsColumn(c.name, c.dtype, c.encoding, c.n_distinct) for c in profile.obs_columns]
    with dataset.open_h5ad() as h5ad, dataset.stage("cell_metadata") as staged:
        survey = survey_cells(
            readable, h5ad.obs.read, entry=entry, organism=profile.organism or entry.organism
        )
        described = (
            describe_cells(
                cell_ids,
                obs,
                survey=survey,
                dataset_id=dataset.dataset_id,
                entry=entry,
                organism=profile.organism,
                collection_id=collection_id,
            )
            for cell_ids, obs in h5ad.obs.blocks(readable, rows=_CELLS_PER_BLOCK)
        )
        write_blocks(staged.path(), described, model=CellMetadata, footer=footer("cell_metadata", profile))
        cells = read_table(staged.path(), columns=_CHECKED_COLUMNS)
        yield from publish_table(
            staged,
            findings=[
                keeps_schema(iter_table(staged.path()), CellMetadata),
                rows_match("rows_match_source", cells[CELL_ID], h5ad.obs.index(), of="obs in the source"),
                cell_claims.cell_ids_are_unique(cells),
                cell_claims.donors_are_known(
                    cells,
                    column=survey.sources.donor,
                    unread=unread_donors(entry, profile.obs_not_read),
                    candidates=donor_candidates(columns, used=survey.sources.used),
                ),
                cell_claims.donors_are_no_outcomes(cells),
                cell_claims.ages_are_known(
                    cells,
                    columns=[read for read in (survey.age, survey.age_group) if read is not None],
                    candidates=age_candidates(columns, used=survey.sources.used),
                ),
            ],
            metadata=table_metadata(
                staged.target,
                CellMetadata,
                staged=staged.path(),
                lineage=lineage.of_cell_metadata(readable, survey.sources),
                preview=read_rows(staged.path(), 0, 5, columns=_CELL_PREVIEW),
            )
            | _cell_metadata(profile, cells, staged.path(), category=category_column(profile, entry)),
        )


# The split is made of cells alone, in a module that imports this one: hence its name, not the asset.
@dataset_asset(group="ingest", kinds={"parquet"})
def feature_metadata(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per feature of the chosen matrix: its id, symbol, figures of its values, all var columns."""
    from c2s_assets.core.expression.variability import summarise_features

    dataset = store.dataset(context.partition_key)
    profile = dataset.profile
    hgnc, hgnc_version = read_gene_symbols(store.layout)
    scope = dataset.settings.projections.fit_scope
    is_fitted = fitted_cells(dataset, scope=scope)
    with (
        dataset.stage("feature_metadata") as staged,
        dataset.open_h5ad(scratch=staged.folder) as h5ad,
    ):
        var_names, var = _read_var(h5ad, layer=profile.layer)
        entry = dataset.entry
        not_read = _not_read([*profile.raw_var_columns, *profile.var_columns])
        missing = {name: why for name, why in not_read.items() if name not in var.columns}
        refuse_unreadable(entry, missing, keys=OF_FEATURES)
        named = describe_features(var_names, var, symbol_column=entry.symbol_column, hgnc=hgnc)
        blocks = read_blocks(h5ad.matrix(profile.layer), rows=store.rows_per_block, log=context.log)
        summary = summarise_features(
            blocks, kind=profile.verdict.kind, n_vars=named.height, is_fitted=is_fitted
        )
        features = add_figures(
            named,
            n_cells=summary.n_cells,
            mean=summary.mean,
            is_highly_variable=summary.is_highly_variable,
        )
        says = footer(
            "feature_metadata",
            profile,
            fit_scope=scope,
            n_fitted=int(is_fitted.sum()),
            hgnc_version=hgnc_version,
        )
        write_blocks(staged.path(), [features], model=FeatureMetadata, footer=says)
        sources = features[SYMBOL_SOURCE].drop_nulls().unique(maintain_order=True)
        yield from publish_table(
            staged,
            findings=[
                keeps_schema(iter_table(staged.path()), FeatureMetadata),
                rows_match(
                    "rows_match_source", features[VAR_NAME], var_names, of=f"the features of {profile.layer}"
                ),
                gene_claims.feature_ids_are_unique(feature_ids(var_names, var)),
                gene_claims.symbols_are_known(features),
            ],
            metadata=table_metadata(
                staged.target,
                FeatureMetadata,
                staged=staged.path(),
                lineage=lineage.of_feature_metadata(
                    var.columns,
                    layer=profile.layer,
                    symbol_sources=sources,
                    kind_sources=kind_columns(var),
                    has_hgnc=hgnc is not None,
                ),
                preview=read_rows(staged.path(), 0, 5, columns=_FEATURE_PREVIEW),
            )
            | as_metadata(
                {
                    "symbols_from": ", ".join(sources),
                    "n_highly_variable": None
                    if summary.is_highly_variable is None
                    else int(summary.is_highly_variable.sum()),
                    "fit_scope": scope,
                    "n_fitted": int(is_fitted.sum()),
                    "hgnc_version": hgnc_version,
                }
            )
            | ({} if hgnc is None else _renamed_genes(features)),
        )


@dataset_asset(group="ingest", kinds={"json"})
def unstructured_metadata(context: dg.AssetExecutionContext, store: Store) -> Events:
    """The `uns` of the source as JSON; long arrays are summarised, nothing is left out silently."""
    dataset = store.dataset(context.partition_key)
    with dataset.open_h5ad() as h5ad, dataset.stage("unstructured_metadata") as staged:
        uns = h5ad.uns(max_values=_UNS_VALUES)
        names = h5ad.uns_keys
        write_document(staged.path(), uns)
        yield from publish_table(
            staged,
            findings=[names_every_key(staged.path(), names)],
            metadata=file_metadata(staged.target, size=staged.path().stat().st_size)
            | as_metadata({"n_keys": len(uns), "keys": ", ".join(uns)}),
        )


def _adopt(context: dg.AssetExecutionContext, store: Store) -> Provenance:
    """Take what waits in the inbox, or keep what came from there; else fetch what Discover offers, if new."""
    dataset_id = context.partition_key
    is_given = store.layout.inbox_h5ad(dataset_id).exists() or holds_own_file(
        store.layout, dataset_id=dataset_id
    )
    offer = None if is_given else store.offer(dataset_id)
    if offer is None or offer.dataset_version_id == held_version(store.layout, dataset_id=dataset_id):
        return adopt_from_inbox(store.layout, dataset_id=dataset_id)

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


def _not_read(columns: Sequence[ColumnProfile]) -> dict[str, str]:
    return {column.name: column.not_read for column in columns if column.not_read is not None}


def _reads_every_column(profile: DatasetProfile) -> Finding:
    parts: dict[str, Sequence[ColumnProfile | MatrixProfile]] = {
        "obs": profile.obs_columns,
        "var": profile.var_columns,
        "raw/var": profile.raw_var_columns,
        "matrix": profile.matrices,
    }
    problems = {
        f"{part}/{element.name}": element.not_read
        for part, elements in parts.items()
        for element in elements
        if element.not_read is not None
    }
    problems |= {f"obsm/{name}": problem for name, problem in profile.obsm_not_read.items()}
    return matrix_claims.reads_every_column(problems)


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


def fitted_cells(dataset: Dataset, *, scope: str) -> NDArray[np.bool_]:
    """Find the cells that decide what is highly variable and what the components are, ``(n_obs,)``."""
    donors = dataset.read("cell_metadata", columns=[DONOR_UID])[DONOR_UID]
    if scope == "all":
        return np.ones(len(donors), np.bool_)
    return in_train(donors, dataset.read("split_manifest", columns=[SPLIT_LEVEL, DONOR_UID, SPLIT]))


def category_column(profile: DatasetProfile, entry: DatasetEntry) -> str | None:
    """Choose the column that says most of what the cells are: cell_type, else the first of some values."""
    counted = {
        c.name: c.n_distinct for c in profile.obs_columns if c.value_counts and c.name_in_table == c.name
    }
    if CELL_TYPE in counted or entry.cell_type_column is not None:
        return CELL_TYPE
    return next(
        (name for name, n_distinct in counted.items() if n_distinct and 1 < n_distinct <= _MOST_CATEGORIES),
        None,
    )


def _cell_metadata(
    profile: DatasetProfile, cells: pl.DataFrame, staged: Path, *, category: str | None
) -> Metadata:
    written = table_schema(staged).names
    renamed = [
        f"{column.name} is {column.name_in_table}"
        for column in profile.obs_columns
        if column.name_in_table != column.name and column.name_in_table in written
    ]
    shown = as_metadata({"renamed": ", ".join(renamed) or None})
    if (picture := plots.ages(cells)) is not None:
        shown["ages"] = picture
    if category is not None:
        shown["cell_types"] = plots.cells_per_category(read_table(staged, columns=[category])[category])
    return shown


def _renamed_genes(features: pl.DataFrame) -> Metadata:
    """Count the features whose symbol is not what HGNC calls their gene today, and show the first."""
    renamed = features.filter(pl.col(SYMBOL) != pl.col(APPROVED_SYMBOL))
    shown = as_metadata({"n_renamed": renamed.height})
    if renamed.height:
        shown["renamed"] = rows_as_markdown(renamed.select(FEATURE_ID, SYMBOL, APPROVED_SYMBOL), n_rows=20)
    return shown


def _read_var(h5ad: H5ad, *, layer: str) -> tuple[pl.Series, pl.DataFrame]:
    """Read the names and columns of the features of a matrix."""
    var_names, var = h5ad.var.index(), _read_columns(h5ad.var)
    if layer != "raw.X" or h5ad.raw_var is None:
        return var_names, var
    raw_names = h5ad.raw_var.index()
    return raw_names, add_missing_columns(raw_names, _read_columns(h5ad.raw_var), var_names, var)


def _read_columns(frame: Frame) -> pl.DataFrame:
    return pl.DataFrame([values for _, values in frame.read_each() if values is not None])
