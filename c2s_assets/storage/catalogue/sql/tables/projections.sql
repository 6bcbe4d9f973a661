create view projections as
select
    dataset_id,
    projection,
    cell_id,
    coalesce(umap1, tsne1, pca1) as x,
    coalesce(umap2, tsne2, pca2) as y
from files.projections;
comment on view projections is
    'One row per cell and projection. Coordinates of projections other than UMAP, t-SNE and PCA are in files.projections.';
comment on column projections.dataset_id is 'Key of the dataset in this lake.';
comment on column projections.projection is 'Name of the projection, such as X_umap.';
comment on column projections.cell_id is 'Cell, as in cells.';
comment on column projections.x is 'First coordinate; null unless it is UMAP, t-SNE or PCA.';
comment on column projections.y is 'Second coordinate; null unless it is UMAP, t-SNE or PCA.';
