"""From the source file to its metadata: `raw_h5ad`, `dataset_profile`, tables of cells and features."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import polars as pl

from c2s_assets.core import claims
from c2s_assets.core.cells import age_sources, describe_cells, own_name
from c2s_assets.core.columns import (
    AGE,
    AGE_HIGH,
    AGE_LOW,
    AGE_METHOD,
    CELL_ID,
    CELL_TYPE,
    DONOR_ID,
    FEATURE_ID,
    LIFE_STAGE,
    ORGANISM,
    SYMBOL,
)
from c2s_assets.core.errors import SourceError
from c2s_assets.core.features import (
    SYMBOL_SOURCE,
    VAR_NAME,
    add_missing_columns,
    describe_features,
    feature_ids,
)
from c2s_assets.core.findings import Finding
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.assets.sources import gene_symbols
from c2s_assets.defs.checks import check_result
from c2s_assets.defs.metadata import Metadata, as_metadata, file_metadata, table_metadata
from c2s_assets.defs.publishing import Events, dataset_asset, materialized, publish
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.documents import ColumnProfile, DatasetProfile, MatrixProfile
from c2s_assets.schemas.tables import CellMetadata, FeatureMetadata
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets.storage.documents import keeps_document, names_every_key, write_document
from c2s_assets.storage.h5ad.frames import Frame
from c2s_assets.storage.h5ad.source import H5ad, open_h5ad
from c2s_assets.storage.inputs import current_profile, footer, read_gene_symbols
from c2s_assets.storage.parquet import iter_table, read_rows, read_table, write_blocks
from c2s_assets.storage.profile import profile_h5ad
from c2s_assets.storage.raw import adopt_from_inbox
from c2s_assets.storage.staging import stage

_CELLS_PER_BLOCK = 65_536
_CHECKED_COLUMNS = [CELL_ID, DONOR_ID, AGE, AGE_LOW, AGE_HIGH, AGE_METHOD, LIFE_STAGE]
_CELL_PREVIEW = [CELL_ID, DONOR_ID, ORGANISM, AGE, AGE_LOW, AGE_HIGH, AGE_METHOD, LIFE_STAGE]
_FEATURE_PREVIEW = [FEATURE_ID, SYMBOL, SYMBOL_SOURCE, VAR_NAME]
_MOST_CATEGORIES = 60
# Beyond this an array of uns is data rather than a note on it.
_UNS_VALUES = 10_000


@dataset_asset(group="ingest", kinds={"h5ad"})
def raw_h5ad(context: dg.AssetExecutionContext, store: Store) -> Events:
    """The source file as it was added, verified, with where it came from and the digest of its bytes."""
    dataset_id = context.partition_key
    try:
        provenance = adopt_from_inbox(store.layout, dataset_id=dataset_id)
    except SourceError as error:
        yield check_result(Finding("keeps_schema", False, str(error)), asset_name="raw_h5ad")
        raise
    message = (
        f"{provenance.n_obs:,} cells and {provenance.n_vars:,} features, {provenance.size_bytes:,} bytes."
    )
    yield check_result(Finding("keeps_schema", True, message), asset_name="raw_h5ad")
    metadata = file_metadata(store.layout.raw_h5ad(dataset_id), size=provenance.size_bytes)
    yield materialized(
        provenance.sha256, metadata | as_metadata(provenance.model_dump(exclude={"sha256", "size_bytes"}))
    )


@dataset_asset(group="ingest", kinds={"json"}, deps=[raw_h5ad])
def dataset_profile(context: dg.AssetExecutionContext, store: Store) -> Events:
    """Structure of the source file, figures of its columns, and which matrix holds what kind of values."""
    dataset_id = context.partition_key
    target = store.layout.profile(dataset_id)
    source = store.source(dataset_id)
    with (
        stage(store.layout, dataset_id) as staged,
        open_h5ad(store.layout.raw_h5ad(dataset_id), scratch=staged.folder) as h5ad,
    ):
        profile = profile_h5ad(
            h5ad,
            dataset_id=dataset_id,
            source_sha256=source.sha256,
            entry=store.settings().entry(dataset_id),
            rows_per_block=store.rows_per_block,
        )
        write_document(staged.path(target), profile)
        yield from publish(
            context,
            staged,
            target,
            findings=[keeps_document(staged.path(target), DatasetProfile), _reads_every_column(profile)],
            metadata=file_metadata(target, size=staged.path(target).stat().st_size)
            | _profile_metadata(profile),
        )


@dataset_asset(group="ingest", kinds={"parquet"}, deps=[raw_h5ad, dataset_profile])
def cell_metadata(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per cell: its donor, its organism, its age in years, and all obs columns of the source."""
    dataset_id = context.partition_key
    target = store.layout.table("cell_metadata", dataset_id)
    entry = store.settings().entry(dataset_id)
    profile = current_profile(store.layout, dataset_id=dataset_id)
    readable = [column.name for column in profile.obs_columns if column.not_read is None]
    with open_h5ad(store.layout.raw_h5ad(dataset_id)) as h5ad, stage(store.layout, dataset_id) as staged:
        described = (
            describe_cells(
                cell_ids,
                obs,
                dataset_id=dataset_id,
                entry=entry,
                organism=profile.organism,
                collection_id=profile.origin.collection_id,
            )
            for cell_ids, obs in h5ad.obs.blocks(readable, rows=_CELLS_PER_BLOCK)
        )
        write_blocks(
            staged.path(target), described, model=CellMetadata, footer=footer("cell_metadata", profile)
        )
        cells = read_table(staged.path(target), columns=_CHECKED_COLUMNS)
        yield from publish(
            context,
            staged,
            target,
            findings=[
                keeps_schema(iter_table(staged.path(target)), CellMetadata),
                claims.rows_match(
                    "rows_match_source", cells[CELL_ID], h5ad.obs.index(), of="obs in the source"
                ),
                claims.cell_ids_are_unique(cells),
                claims.donors_are_known(cells),
                claims.ages_are_known(cells),
            ],
            metadata=table_metadata(
                target,
                CellMetadata,
                staged=staged.path(target),
                lineage=lineage.of_cell_metadata(
                    readable, age_sources=age_sources(entry), donor=entry.donor_column or DONOR_ID
                ),
                preview=read_rows(staged.path(target), 0, 5, columns=_CELL_PREVIEW),
            )
            | _cell_metadata(profile, cells, staged.path(target)),
        )


@dataset_asset(group="ingest", kinds={"parquet"}, deps=[raw_h5ad, dataset_profile, gene_symbols])
def feature_metadata(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One row per feature of the chosen matrix: its Ensembl id, its gene symbol, and all var columns."""
    dataset_id = context.partition_key
    target = store.layout.table("feature_metadata", dataset_id)
    profile = current_profile(store.layout, dataset_id=dataset_id)
    hgnc = read_gene_symbols(store.layout)
    with open_h5ad(store.layout.raw_h5ad(dataset_id)) as h5ad, stage(store.layout, dataset_id) as staged:
        var_names, var = _read_var(h5ad, layer=profile.layer)
        features = describe_features(
            var_names, var, symbol_column=store.settings().entry(dataset_id).symbol_column, hgnc=hgnc
        )
        write_blocks(
            staged.path(target), [features], model=FeatureMetadata, footer=footer("feature_metadata", profile)
        )
        sources = features[SYMBOL_SOURCE].drop_nulls().unique(maintain_order=True)
        yield from publish(
            context,
            staged,
            target,
            findings=[
                keeps_schema(iter_table(staged.path(target)), FeatureMetadata),
                claims.rows_match(
                    "rows_match_source", features[VAR_NAME], var_names, of=f"the features of {profile.layer}"
                ),
                claims.feature_ids_are_unique(feature_ids(var_names, var)),
                claims.symbols_are_known(features),
            ],
            metadata=table_metadata(
                target,
                FeatureMetadata,
                staged=staged.path(target),
                lineage=lineage.of_feature_metadata(
                    var.columns, symbol_sources=sources, uses_hgnc="hgnc" in sources
                ),
                preview=read_rows(staged.path(target), 0, 5, columns=_FEATURE_PREVIEW),
            )
            | as_metadata({"symbols_from": ", ".join(sources)}),
        )


@dataset_asset(group="ingest", kinds={"json"}, deps=[raw_h5ad])
def unstructured_metadata(context: dg.AssetExecutionContext, store: Store) -> Events:
    """The `uns` of the source as JSON; long arrays are summarised, nothing is left out silently."""
    dataset_id = context.partition_key
    target = store.layout.unstructured_metadata(dataset_id)
    with open_h5ad(store.layout.raw_h5ad(dataset_id)) as h5ad, stage(store.layout, dataset_id) as staged:
        uns = h5ad.uns(max_values=_UNS_VALUES)
        names = h5ad.uns_keys
        write_document(staged.path(target), uns)
        yield from publish(
            context,
            staged,
            target,
            findings=[names_every_key(staged.path(target), names)],
            metadata=file_metadata(target, size=staged.path(target).stat().st_size)
            | as_metadata({"n_keys": len(uns), "keys": ", ".join(uns)}),
        )


def _reads_every_column(profile: DatasetProfile) -> Finding:
    parts: dict[str, Sequence[ColumnProfile | MatrixProfile]] = {
        "obs": profile.obs_columns,
        "var": profile.var_columns,
        "matrix": profile.matrices,
    }
    problems = {
        f"{part}/{element.name}": element.not_read
        for part, elements in parts.items()
        for element in elements
        if element.not_read is not None
    }
    return claims.reads_every_column(problems)


def _profile_metadata(profile: DatasetProfile) -> Metadata:
    return as_metadata(
        {
            "n_obs": profile.n_obs,
            "n_vars": profile.n_vars,
            "organism": profile.organism,
            "layer": profile.layer,
            "verdict": profile.verdict.kind,
            "matrices": ", ".join(f"{m.name} ({m.encoding} {m.dtype})" for m in profile.matrices),
            "embeddings": ", ".join(profile.embeddings) or "none",
            "predicted_memory_bytes": profile.predicted_memory_bytes,
            **profile.origin.model_dump(),
        }
    )


def _cell_metadata(profile: DatasetProfile, cells: pl.DataFrame, staged: Path) -> Metadata:
    renamed = {
        name: own_name(name)
        for name in (column.name for column in profile.obs_columns)
        if own_name(name) != name
    }
    shown = as_metadata({"renamed": ", ".join(f"{old} is {new}" for old, new in renamed.items()) or None})
    if (picture := plots.ages(cells)) is not None:
        shown["ages"] = picture
    if (category := _category(profile)) is not None:
        shown["cell_types"] = plots.cells_per_category(read_table(staged, columns=[category])[category])
    return shown


def _category(profile: DatasetProfile) -> str | None:
    """Choose the column that says most of what the cells are: cell_type, else the first of some values."""
    counted = {
        c.name: c.n_distinct for c in profile.obs_columns if c.value_counts and own_name(c.name) == c.name
    }
    if CELL_TYPE in counted:
        return CELL_TYPE
    return next(
        (name for name, n_distinct in counted.items() if n_distinct and 1 < n_distinct <= _MOST_CATEGORIES),
        None,
    )


def _read_var(h5ad: H5ad, *, layer: str) -> tuple[pl.Series, pl.DataFrame]:
    """Read the names and columns of the features of a matrix."""
    var_names, var = h5ad.var.index(), _read_columns(h5ad.var)
    if layer != "raw.X" or h5ad.raw_var is None:
        return var_names, var
    raw_names = h5ad.raw_var.index()
    return raw_names, add_missing_columns(raw_names, _read_columns(h5ad.raw_var), var_names, var)


def _read_columns(frame: Frame) -> pl.DataFrame:
    return pl.DataFrame([frame.read(column.name) for column in frame.describe() if column.problem is None])
