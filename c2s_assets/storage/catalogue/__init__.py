"""The DuckDB catalogue over the tables of all datasets, and the questions put to it."""
