"""Columns of fingerprints, of copies of cells, and of donors that share cells."""

N_GENES = "n_genes"
EXACT = ("exact_1", "exact_2")
BANDS = "bands"
SEARCH_HASHES = "search_hashes"
HASHES = (*EXACT, BANDS, SEARCH_HASHES)

ROW = "row"
OTHER_ROW = "other_row"
IS_EXACT = "is_exact"

COPY_GROUP = "copy_group"
HAS_PRIMARY = "has_primary"
N_DATASETS = "n_datasets"

OTHER_DONOR_UID = "other_donor_uid"
IS_SAME_PERSON = "is_same_person"
N_SHARED_CELLS = "n_shared_cells"
N_EXACT = "n_exact"
N_EXPECTED_BY_CHANCE = "n_expected_by_chance"
N_CELLS = "n_cells"
N_OTHER_CELLS = "n_other_cells"
DATASETS = "datasets"
