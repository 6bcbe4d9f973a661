"""Every path and every byte on our disk: the lake's layout, parquet, h5ad. Nothing else opens a lake file."""
