"""How much memory building a dataset takes, from its shape."""

# Measured on the embedded example and on e18 and 3T3, see benchmarks: Python, Dagster and the libraries
# take 350 MB before the first cell is read.
_BASE_BYTES = 350 * 2**20
# A stored value is held as float32 and int32, and while it is ranked as a row, a code, a key and an order
# of 8 bytes each, about twice over.
_BYTES_PER_VALUE = 80
# A row group of sentences waits to be written: 2,000 symbols of 7 bytes.
_BYTES_PER_SENTENCE = 14_000
_BYTES_PER_CELL = 200


def predict_memory_bytes(*, n_obs: int, n_stored: int, rows_per_block: int, rows_per_group: int) -> int:
    """Estimate the peak memory of the largest step, for a matrix whose cells are about equally full."""
    values_per_block = n_stored / max(n_obs, 1) * min(rows_per_block, n_obs)
    sentences = min(n_obs, rows_per_group) * _BYTES_PER_SENTENCE
    return int(_BASE_BYTES + values_per_block * _BYTES_PER_VALUE + sentences + n_obs * _BYTES_PER_CELL)
