import numpy as np
import pytest

from c2s_assets.core.hashes import keys_of, mix, short_id

# These values decide the order of words in every sentence and the ids that people cite: if a test of this
# file breaks, all published tables change.


def test_short_id_is_pinned():
    assert short_id({"top_n": 2000, "tie": "hash", "list": ["MKI67", "é"]}) == "bf50bd2efcac"


def test_short_id_does_not_depend_on_the_order_of_keys():
    assert short_id({"a": 1, "b": 2}) == short_id({"b": 2, "a": 1})


@pytest.mark.parametrize("other", [{"a": 2}, {"b": 1}, {"a": "1"}, {"a": [1]}, {}], ids=repr)
def test_short_id_changes_with_content(other):
    assert short_id(other) != short_id({"a": 1})


def test_keys_are_pinned():
    keys = keys_of(["ENSG00000000003", "é", ""], seed=0)
    assert keys.dtype == np.uint64
    assert [f"{key:016x}" for key in keys] == ["c7ef8081f5d23f40", "bae57bcd3e6d03b5", "d4b728ae5d640f62"]
    assert [f"{key:016x}" for key in keys_of(["ENSG00000000003"], seed=1)] == ["2bc1487671f82610"]


def test_no_names_have_no_keys():
    assert keys_of([], seed=0).shape == (0,)


@pytest.mark.parametrize("seed", [1, -1, 10**20, 10**20 + 1], ids=str)
def test_every_seed_gives_other_keys(seed):
    others = {int(keys_of(["a"], seed=other)[0]) for other in (0, 1, -1, 10**20, 10**20 + 1) if other != seed}
    assert len(others) == 4
    assert int(keys_of(["a"], seed=seed)[0]) not in others


def test_mix_is_the_finaliser_of_splitmix64():
    """The first two outputs of SplitMix64 from state 0, as its authors publish them."""
    gamma = 0x9E3779B97F4A7C15
    states = np.array([gamma, 2 * gamma % 2**64], dtype=np.uint64)
    assert [f"{key:016X}" for key in mix(states)] == ["E220A8397B1DCDAF", "6E789E6AA1B965F4"]


def test_mix_sends_neighbours_far_apart():
    mixed = mix(np.arange(1000, dtype=np.uint64))
    assert np.unique(mixed).size == 1000
    assert abs(np.mean(mixed / 2**64) - 0.5) < 0.03
