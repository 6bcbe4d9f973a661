"""Embeddings of cells: names, principal components, UMAP and t-SNE."""
