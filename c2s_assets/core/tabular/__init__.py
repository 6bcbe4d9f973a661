"""Cells added up: which cells make up a row of `pseudobulk` and `pseudocells`, and what their sums are."""
