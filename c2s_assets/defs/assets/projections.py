"""Embeddings of the cells: the author's own, and PCA, UMAP and t-SNE where there are none."""

from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl
from scipy.sparse import csr_array

from c2s_assets.core.columns import AGE, CELL_ID, DONOR_UID, FEATURE_ID
from c2s_assets.core.expression.sampling import draw
from c2s_assets.core.findings import Finding
from c2s_assets.core.genes.features import IS_HIGHLY_VARIABLE
from c2s_assets.core.projections import reports as projection_claims
from c2s_assets.core.projections.names import COMPUTED
from c2s_assets.core.projections.reports import Embedding, LeftOut
from c2s_assets.defs import lineage, plots
from c2s_assets.defs.checks import rows_match_cells
from c2s_assets.defs.metadata import Metadata, as_metadata, column_lineage, rows_as_markdown, shown_column
from c2s_assets.defs.progress import read_blocks
from c2s_assets.defs.publishing import Events, dataset_asset, publish_table, staged_from_source
from c2s_assets.defs.resources import Store
from c2s_assets.schemas.projections import keeps_schema
from c2s_assets.schemas.registry import CELLS, FEATURES
from c2s_assets.storage.dataset import Dataset, DatasetStage
from c2s_assets.storage.h5ad.source import H5ad
from c2s_assets.storage.tables.features import fitted_cells
from c2s_assets.storage.tables.parquet import read_rows, read_table, size_bytes
from c2s_assets.storage.tables.projections import ProjectionFolder

# More dots hide each other at the size of the pictures; 20,000 came to 186 kB where ages are well mixed.
_MOST_DOTS = 12_000
_MOST_TABLES = 100
_MOST_AXES_SHOWN = 5
_TYPES = {"coordinates": "float", "columns": "any", "sparse": "list"}
_SHOWN_FIRST = ("UMAP", "t-SNE", "PCA")


@dataset_asset(group="matrix", kinds={"parquet"})
def projections(context: dg.AssetExecutionContext, store: Store) -> Events:
    """One table per element of obsm, one row per cell, and PCA, UMAP, t-SNE where missing."""
    with staged_from_source(context, store) as (staged, h5ad):
        dataset = staged.dataset
        cells = dataset.read(CELLS, columns=[CELL_ID, DONOR_UID])
        folder = ProjectionFolder(staged.path(), cells, dataset.profile)
        written, left_out = folder.export(h5ad)
        for outcome in _compute(context, store, dataset, folder, h5ad, authors=written):
            if isinstance(outcome, LeftOut):
                left_out.append(outcome)
            else:
                written.append(outcome)
        yield from publish_table(
            staged,
            claims=_claims(folder, h5ad, written, left_out),
            metadata=_metadata(staged, folder, written) | _pictures(dataset, folder, written),
        )


def _claims(
    folder: ProjectionFolder, h5ad: H5ad, written: Sequence[Embedding], left_out: Sequence[LeftOut]
) -> list[Finding]:
    cells = folder.cells[CELL_ID]
    tables = [projection.table for projection in written]
    of_source = {p.table for p in written if p.form != "coordinates"}
    return [
        keeps_schema(((table, folder.blocks(table)) for table in tables), of_source=of_source),
        projection_claims.rows_match_cells(
            {table: rows_match_cells(folder.file(table), cells) for table in tables}
        ),
        projection_claims.authors_projections_are_untouched(folder.compare(h5ad, written)),
        projection_claims.projections_are_complete(written, left_out),
    ]


def _compute(
    context: dg.AssetExecutionContext,
    store: Store,
    dataset: Dataset,
    folder: ProjectionFolder,
    h5ad: H5ad,
    *,
    authors: Sequence[Embedding],
) -> Iterator[Embedding | LeftOut]:
    """Compute what the author has not: PCA first, then UMAP and t-SNE from the author's PCA or from ours."""
    settings, profile = dataset.settings.projections, folder.profile
    there = {author.method for author in authors}
    missing = [method for method in COMPUTED if method not in there]
    if not missing:
        return
    is_fitted = fitted_cells(dataset)

    def blocks() -> Iterator[tuple[int, csr_array]]:
        return read_blocks(h5ad.matrix(profile.layer), rows=store.rows_per_block, log=context.log)

    base = next((projection for projection in authors if projection.method == "PCA"), None)
    for method in missing:
        outcome: Embedding | LeftOut
        if method == "PCA":
            features = dataset.read(FEATURES, columns=[FEATURE_ID, IS_HIGHLY_VARIABLE])
            outcome = folder.add_pca(
                blocks,
                features=features[FEATURE_ID],
                is_chosen=features[IS_HIGHLY_VARIABLE],
                is_fitted=is_fitted,
                fit_scope=settings.fit_scope,
            )
            base = outcome if isinstance(outcome, Embedding) else None
        elif base is None:
            outcome = LeftOut(method, "it is computed from principal components, and there are none.")
        else:
            outcome = folder.add_manifold(
                method, base, is_fitted=is_fitted, fit_scope=settings.fit_scope, seed=settings.seed
            )
        if isinstance(outcome, Embedding):
            context.log.info(f"{method} is computed, and written as {outcome.table}")
            for note in outcome.notes:
                context.log.warning(f"{method}: {note}")
        yield outcome


def _metadata(staged: DatasetStage, folder: ProjectionFolder, written: Sequence[Embedding]) -> Metadata:
    """Describe the folder: rows, size, each table with its columns and origin, and the first rows of one."""
    profile = folder.profile
    origins = lineage.of_projections({_span(p): p.source for p in written}, layer=profile.layer)
    shown_columns = [
        shown_column(CELL_ID, kind="string", description="Cell, as in cell_metadata; in every table."),
        *(
            shown_column(_span(p), kind=_TYPES[p.form], description=f"{p.table}.parquet, {_origin(p)}.")
            for p in written
        ),
    ]
    shown: Metadata = {
        "path": dg.MetadataValue.path(staged.target),
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(shown_columns)),
        "dagster/column_lineage": column_lineage(origins, columns=[CELL_ID, *map(_span, written)]),
        "tables": rows_as_markdown(
            pl.DataFrame(
                [(p.table, p.source, len(p.axes), p.n_fitted) for p in written],
                schema={"table": pl.String, "source": pl.String, "n_axes": pl.Int64, "n_fitted": pl.Int64},
                orient="row",
            ),
            n_rows=_MOST_TABLES,
        ),
    }
    if written:
        first = folder.file(written[0].table)
        columns_shown = [CELL_ID, *written[0].axes[:_MOST_AXES_SHOWN]]
        shown["preview"] = rows_as_markdown(read_rows(first, 0, 5, columns=columns_shown), n_rows=5)
    return shown | as_metadata(
        {
            "dagster/row_count": folder.cells.height if written else 0,
            "size_bytes": size_bytes(folder.path),
            "n_tables": len(written),
            "fit_scope": staged.dataset.settings.projections.fit_scope,
        }
    )


def _pictures(dataset: Dataset, folder: ProjectionFolder, written: Sequence[Embedding]) -> Metadata:
    """Draw the embedding that shows most, and the variance that components of ours explain."""
    shown: Metadata = {}
    pca = next((p for p in written if "explained_variance_ratio" in p.says), None)
    if pca is not None:
        ratios = pca.says["explained_variance_ratio"]
        shown |= as_metadata(
            {"variance_explained_by_all": sum(ratios), "variance_explained_by_first": ratios[0]}
        )
        shown["variance_explained"] = plots.variance_explained(ratios)
    drawn = next(
        (p for method in _SHOWN_FIRST for p in written if p.method == method and len(p.axes) > 1), None
    )
    if drawn is None:
        return shown
    rows = draw(folder.cells[CELL_ID], n=_MOST_DOTS, seed=0)
    axes = list(drawn.axes[:2])
    table = read_table(folder.file(drawn.table), columns=axes)[rows]
    is_placed = table.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    points = table.filter(is_placed).to_numpy()
    if not len(points):
        return shown
    category = folder.profile.category(dataset.entry)
    wanted = [AGE] if category is None else [AGE, category]
    cells = dataset.read(CELLS, columns=wanted)[rows].filter(is_placed)
    if (picture := plots.embedding_by_age(points, cells[AGE], axes=axes)) is not None:
        shown["embedding_by_age"] = picture
    if category is not None:
        shown["embedding_by_category"] = plots.embedding_by_category(points, cells[category], axes=axes)
    return shown


def _span(projection: Embedding) -> str:
    """Name all columns of a table at once: UMAP1 to UMAP2, X_protein: CD3 to CD8."""
    if projection.form != "coordinates":
        return f"{projection.table}: {projection.axes[0]} to {projection.axes[-1]}"
    first, n_axes = projection.axes[0], len(projection.axes)
    return first if n_axes == 1 else f"{first} to {projection.axes[-1]}"


def _origin(projection: Embedding) -> str:
    if projection.source == "author":
        return f"as in {projection.says['computed_from']} of the source"
    return f"computed from {projection.says['computed_from']}"
