import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2s_assets.core.errors import InvalidDatasetIdError
from c2s_assets.core.ids import check_dataset_id, dataset_id_of, nearest_id, propose_dataset_id


@pytest.mark.parametrize(
    "dataset_id",
    ["a", "7", "pbmc68k_reduced", "9deda9ad-6a71-401e-b909-5263919d85f9", "v1.0_final-2", "a" * 128],
)
def test_an_id_of_letters_digits_dots_underscores_and_hyphens_is_returned(dataset_id):
    assert check_dataset_id(dataset_id) == dataset_id


@pytest.mark.parametrize(
    "dataset_id",
    ["", ".", "..", ".hidden", "-rf", "_a", "a/b", "a\\b", "a..b", "a b", "a\n", "a\0", "é", "a" * 129],
    ids=repr,
)
def test_anything_else_is_refused_with_the_name_and_the_rule(dataset_id):
    with pytest.raises(InvalidDatasetIdError, match="Use 1 to 128 letters") as caught:
        check_dataset_id(dataset_id)
    assert repr(dataset_id)[:70] in str(caught.value)


def test_a_very_long_name_is_cut_in_the_message():
    with pytest.raises(InvalidDatasetIdError, match=r"\(5000 characters\)") as caught:
        check_dataset_id("x" * 5000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("name", "dataset_id"),
    [
        ("atlas.h5ad", "atlas"),
        ("/data/human muscle/atlas.v2.h5ad", "atlas.v2"),
        ("https://example.org/files/0a1b.h5ad", "0a1b"),
        ("atlas", "atlas"),
    ],
    ids=["file", "path", "address", "without suffix"],
)
def test_the_id_of_a_file_is_its_name_without_suffix(name, dataset_id):
    assert dataset_id_of(name) == dataset_id


@pytest.mark.parametrize("name", ["", ".h5ad", "/", "my atlas.h5ad", "..", "../.h5ad"], ids=repr)
def test_a_name_that_leaves_no_id_is_refused(name):
    with pytest.raises(InvalidDatasetIdError):
        dataset_id_of(name)


@pytest.mark.parametrize(
    ("name", "dataset_id"),
    [
        ("atlas.v2.h5ad", "atlas.v2"),
        ("My atlas é.h5ad", "My_atlas_e"),
        ("GSE1_a.h5ad.gz", "GSE1_a"),
        ("cells.zarr.zip", "cells"),
        ("PBMC.H5AD", "PBMC"),
        ("-a..b (copy 1)", "a.b_copy_1"),
        ("x" * 300 + ".h5ad", "x" * 128),
        ("C:\\data\\atlas.h5ad", "C_data_atlas"),
        ("ﬁbroblasts ½", "fibroblasts_12"),
    ],
    ids=["an id", "accents", "two endings", "an archive", "capitals", "dots", "long", "Windows", "ligatures"],
)
def test_an_id_is_made_of_any_name(name, dataset_id):
    assert propose_dataset_id(name) == dataset_id


@pytest.mark.parametrize("name", ["", ".h5ad", "数据.h5ad", "...", "/"], ids=repr)
def test_a_name_without_a_letter_or_digit_asks_for_an_id(name):
    with pytest.raises(InvalidDatasetIdError, match="Give it one: --id NAME"):
        propose_dataset_id(name)


@given(st.text())
def test_what_is_proposed_is_an_id_and_stays_itself(name):
    try:
        proposed = propose_dataset_id(name)
    except InvalidDatasetIdError:
        return
    assert check_dataset_id(proposed) == proposed
    assert propose_dataset_id(f"{proposed}.h5ad") == propose_dataset_id(proposed)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("atlsa", "atlas"),
        ("bloood", "blood"),
        ("Atlas", "atlas"),
        ("sample2", None),
        ("lung", None),
        ("my-set", "my_set"),
    ],
)
def test_the_id_that_may_be_meant_is_one_with_the_same_numbers(name, meant):
    assert nearest_id(name, ["atlas", "sample1", "my_set", "blood"]) == meant
