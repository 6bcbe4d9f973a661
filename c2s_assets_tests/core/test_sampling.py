import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.sampling import windows


@pytest.mark.parametrize(
    ("n_rows", "expected"),
    [
        (0, []),
        (1, [(0, 1)]),
        (30, [(0, 30)]),
        (31, [(0, 10), (10, 20), (21, 31)]),
        (100, [(0, 10), (45, 55), (90, 100)]),
    ],
)
def test_head_middle_and_tail_are_chosen(n_rows, expected):
    assert windows(n_rows, size=10) == expected


@settings(derandomize=True, max_examples=100)
@given(st.integers(0, 500), st.integers(1, 60))
def test_windows_lie_within_the_rows_and_never_overlap(n_rows, size):
    edges = [edge for window in windows(n_rows, size=size) for edge in window]
    assert edges == sorted(edges)
    assert all(0 <= edge <= n_rows for edge in edges)
    n_chosen = sum(stop - start for start, stop in windows(n_rows, size=size))
    assert n_chosen == min(n_rows, 3 * size)
