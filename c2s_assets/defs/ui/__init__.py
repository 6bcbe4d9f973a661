"""The Dagster UI as `c2s ui` serves it: with its daemon, behind a guard that only its own pages pass."""
