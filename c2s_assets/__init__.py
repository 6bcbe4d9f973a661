"""Dagster assets for single-cell data: tables, cell sentences and donor-safe splits that stay up to date."""
