"""Columns of fingerprints, of copies of cells, and of donors that share cells."""

N_GENES = "n_genes"
EXACT = ("exact_1", "exact_2")
BANDS = "bands"
SAMPLED_BANDS = "sampled_bands"
