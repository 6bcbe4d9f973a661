"""Pages for a browser: self-contained, without scripts, the same bytes for the same dataset."""
