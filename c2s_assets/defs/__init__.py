"""Dagster: partitions, resources, assets, checks and automation. The only layer that imports it."""
