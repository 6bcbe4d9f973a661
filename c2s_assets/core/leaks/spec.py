"""The figures that decide what a fingerprint is, and when two of them are of one cell.

Measured on 10,000 cells x 1,000 genes (a panel: 13 to 237 genes a cell), on 2,500 cells x 31,269 features
(one cell line: 2 to 3,315 genes a cell), and on the 300 and 1,000 features of the latter that are expressed
most. Cells of one kind are as much alike as cells get: elsewhere there is less chance.
"""

from c2s_assets.core.hashes import short_id

# Cells with fewer carry no evidence. A cell of 100 genes has as many when 15 % of them are dropped.
MIN_GENES = 85

# A cell's items, each a gene with its count, fall into buckets by their hash. Each bucket keeps its least
# item, and a band is what 8 buckets in a row have kept. Where 5 % of the genes are dropped a band of a deep
# cell stays as it is with p = 0.95^8 = 0.66, with 15 % 0.27; of shallow cells, some of whose buckets are
# empty, more. With bands of 16 of 256 buckets chance is half as much for shallow cells, but only 34 to 75 %
# of deep ones keep two bands at 15 %.
N_BUCKETS = 128
BUCKETS_PER_BAND = 8
N_BANDS = N_BUCKETS // BUCKETS_PER_BAND

# From how many genes on, of the cell that has fewer, how many bands must agree. Of pairs of unrelated cells
# as many agree, at worst, in 1e-14, 3e-14, 4e-15 and 2e-15 (deep cells of a panel; of a full width 1e-19). Of
# copies with 5 % of the genes dropped all are found; with 15 %, from 100, 150 and 250 genes on, 91 to 97, 90
# to 96 and 81 to 97 %. In these files no other pair of 11 million is taken for one.
MIN_BANDS = ((MIN_GENES, 6), (100, 5), (150, 4), (250, 3))

# A search of the whole lake reads hashes of two neighbouring bands, and of these only such as end in so many
# zero bits: about one of a cell's eight. By single bands, nearly each two of 200 datasets with 6 million
# generated cells of 380 genes had some in common by chance. Two neighbouring bands agree in 1e-10 of pairs
# of unrelated cells of 150 genes. Ten deep cells that two datasets share, with 5 % of the genes dropped, lead
# to the two with p = 0.99; a cell with all its counts always does.
SAMPLED_BITS = 3

# A hash that more cells of one dataset share says nothing of a single cell. Of 131,072 shallow cells of one
# kind eight share a band by chance.
MOST_ALIKE = 32

# To be raised when the same counts give other hashes.
_VERSION = 2

SPEC = {
    "version": _VERSION,
    "min_genes": MIN_GENES,
    "n_buckets": N_BUCKETS,
    "n_bands": N_BANDS,
    "sampled_bits": SAMPLED_BITS,
}
SPEC_ID = short_id(SPEC)
