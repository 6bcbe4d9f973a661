select
    dataset_id,
    projection,
    cell_id,
    coalesce(umap1, tsne1, pca1) as x,
    coalesce(umap2, tsne2, pca2) as y
from files.projections
