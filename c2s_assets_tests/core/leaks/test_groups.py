import numpy as np

from c2s_assets.core.leaks.groups import Copies


def _copies(*pairs):
    left, right, is_exact = (np.array(column) for column in zip(*pairs, strict=True))
    return Copies.of_pairs(left, right, is_exact)


def test_copies_of_copies_are_one_group_and_each_says_whether_it_has_an_exact_one():
    copies = _copies((5, 10, True), (10, 20, False), (7, 21, False))
    assert copies.cells.tolist() == [5, 7, 10, 20, 21]
    described = copies.describe(
        dataset=np.array([0, 0, 1, 2, 2]),
        exact_1=np.array([-9, 4, -9, 3, -2]),
        is_primary=np.array([False, False, False, True, False]),
    )
    first, second = 3, 4
    assert described["copy_group"].to_list() == [first, second, first, first, second]
    assert described["n_datasets"].to_list() == [3, 2, 3, 3, 2]
    assert described["has_primary"].to_list() == [True, False, True, True, False]
    assert described["is_exact"].to_list() == [True, False, True, False, False]


def test_the_name_of_a_group_is_never_below_zero():
    described = _copies((0, 1, True)).describe(
        dataset=np.array([0, 1]), exact_1=np.array([-(2**63), -1]), is_primary=np.array([False, False])
    )
    assert described["copy_group"].to_list() == [0, 0]
