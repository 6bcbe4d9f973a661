"""Features of a matrix: their ids, their gene symbols, and what HGNC calls them."""
