"""Parquet tables: writing, reading and comparing them."""
