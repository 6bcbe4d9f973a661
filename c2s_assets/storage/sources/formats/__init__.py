"""What files are by their first bytes, and how those that hold cells by features become an h5ad."""
