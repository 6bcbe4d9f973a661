import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.expression.csr import Csr
from c2s_assets.core.hashes import mix
from c2s_assets.core.sentences import ranking

NO_KEYS = np.empty(0, np.uint64)


def rank(kernel, rows, codes, feature_keys, *, cell_keys=None, is_shared=None, top_n=5, is_above_ties=False):
    """Rank rows of {feature: value}: of each row the codes in order, how many are named, and above ties."""
    indptr = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    indices = np.array([feature for row in rows for feature in sorted(row)], np.int32)
    values = np.array([row[feature] for row in rows for feature in sorted(row)], np.float32)
    codes = np.array(codes, np.int32)
    ranked = np.empty(values.size, np.int32)
    n_ranked, n_named, n_above_ties = (np.empty(len(rows), np.int32) for _ in range(3))
    kernel(
        Csr(indptr, indices, values),
        codes=codes,
        is_shared=np.zeros(codes.max() + 1, np.bool_) if is_shared is None else np.array(is_shared),
        feature_keys=np.array(feature_keys, np.uint64),
        cell_keys=NO_KEYS if cell_keys is None else np.array(cell_keys, np.uint64),
        is_mixed=cell_keys is not None,
        top_n=top_n,
        is_above_ties=is_above_ties,
        ranked=ranked,
        n_ranked=n_ranked,
        n_named=n_named,
        n_above_ties=n_above_ties,
    )
    counted = zip(indptr, n_ranked, n_named.tolist(), n_above_ties.tolist(), strict=False)
    return [(ranked[start : start + n].tolist(), named, above) for start, n, named, above in counted]


@given(
    rows=st.lists(
        st.dictionaries(st.integers(0, 9), st.integers(0, 3) | st.integers(0, ranking.MAX_COUNT)), max_size=5
    ),
    codes=st.lists(st.integers(-1, 4), min_size=10, max_size=10).filter(lambda codes: max(codes) >= 0),
    # Few low bits differ: an entry cannot hold them, so most keys of a row look alike there.
    feature_keys=st.lists(st.integers(0, 3) | st.integers(0, 2**64 - 1), min_size=10, max_size=10),
    is_mixed=st.booleans(),
    top_n=st.integers(1, 5),
    is_above_ties=st.booleans(),
)
@settings(derandomize=True, max_examples=300, deadline=None)
def test_both_kernels_rank_counts_alike(rows, codes, feature_keys, *, is_mixed, top_n, is_above_ties):
    options = {
        "top_n": top_n,
        "is_above_ties": is_above_ties,
        "cell_keys": range(len(rows)) if is_mixed else None,
        "is_shared": [codes.count(code) > 1 for code in range(max(codes) + 1)],
    }
    assert rank(ranking.rank_counts, rows, codes, feature_keys, **options) == rank(
        ranking.rank_rows, rows, codes, feature_keys, **options
    )


def test_keys_that_differ_in_the_last_bit_alone_decide():
    keys = [2**63 + 2, 2**63 + 1, 2**63]
    assert rank(ranking.rank_counts, [{0: 5, 1: 5, 2: 5}], [0, 1, 2], keys) == [([2, 1, 0], 3, 0)]


def test_keys_are_mixed_with_that_of_the_cell():
    feature_keys, cell_key = [1, 2, 3], 7
    mixed = mix(np.array(feature_keys, np.uint64) ^ np.uint64(cell_key))
    row = {0: 1, 1: 1, 2: 1}
    assert rank(ranking.rank_counts, [row], [0, 1, 2], feature_keys, cell_keys=[cell_key]) == [
        (np.argsort(mixed).tolist(), 3, 0)
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, ranking.MAX_COUNT], True),
        ([], True),
        ([1.5], False),
        ([-1], False),
        ([ranking.MAX_COUNT + 1], False),
        ([3e38], False),
        ([np.inf], False),
        ([np.nan], False),
    ],
)
def test_counts_are_whole_and_not_too_high(values, expected):
    assert ranking.are_counts(np.array(values, np.float32)) is expected
