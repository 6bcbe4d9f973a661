"""The assets, one module per group: each reads, calls `core`, writes through `storage`, and reports."""
