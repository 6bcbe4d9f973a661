"""Reads h5ad files: streamed, bounded in memory, every file hostile until checked.

Belongs here: whatever knows how AnnData lays a dataset out in HDF5, from version 0.6 on. Callers start at
`source.open_h5ad` and see numpy, scipy, polars and our dataclasses, never an object of h5py. Does not belong
here: what the values mean (`core`), and writing of any kind.
"""
