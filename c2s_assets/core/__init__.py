"""What the data means: pure functions on values in memory. No file, no network, no Dagster."""
