"""The `c2s` command."""
