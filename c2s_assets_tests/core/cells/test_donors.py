"""Who is a donor: outcomes, pools and missing values never are, people always, each under one spelling."""

import string

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.cells.donors import count_known_donors, name_donors
from c2s_assets.core.cells.outcomes import names_nobody

always = settings(derandomize=True, max_examples=200, deadline=None)

NOBODY = [
    *(
        "",
        " ",
        "?",
        "-",
        "--",
        "*",
        "unknown",
        "Unknown donor",
        "unknown_1",
        "N/A",
        "na",
        "<NA>",
        "#N/A",
        "n.a.",
    ),
    *("nan", "NaN", "None", "null", "NULL", "not applicable", "Not_Applicable", "not-available", "missing"),
    *("undetermined", "not determined", "-2147483648", "-9223372036854775808", "-1", "-9.0", "ND", "tbd"),
    *("unassigned", "Unassigned", "unassigned_pool1", "pool2-unassigned", "not assigned", "No call", "other"),
    *("doublet", "Doublets", "doublet_3", "lane 2 doublet", "Doublet-ann-bob", "multiplet", "Multiplets"),
    *("multiplexed", "negative", "Negative", "batch1_Negative", "ambiguous", "AMB", "DBL", "SNG", "singlet"),
    *(
        "pool",
        "pool1",
        "Pool_A",
        "poolB",
        "pool 1 2",
        "mouse_pool_2",
        "pooled",
        "pooled samples",
        "pooled [a, b]",
    ),
    *(
        "mixed",
        "mix1",
        "Mixture",
        "Mixed donors",
        "mixed_pool",
        "failed QC",
        "No HTO",
        "low quality",
        "LowQuality",
        "empty droplets",
        "anonymous",
        "blank",
    ),
    *("DBL-S1-S2-0.500", "AMB-S1-S2-S1/S2", "DBL-2", "0/1", "1/0", "2/3/11", "0,1", "S1,S2,0.50"),
    *(
        "HTO1_HTO2",
        "HTO_A_HTO_B",
        "Hashtag1-ACCT_Hashtag2-GGTC",
        "CMO301|CMO302",
        "donor0,donor1",
        "Bar1-Bar12",
    ),
    # numbers and errors that programs write for what is missing
    *("2147483647", "2147483647.0", "9223372036854775807", "inf", "-Inf", "NA_character_", "NA_real_"),
    *("#REF!", "#DIV/0!", "#VALUE!"),
    *(
        "nan_donor",
        "donor_nan",
        "donor_na",
        "Donor NA",
        "sample none",
        "patient (null)",
        "no label",
        "NoHash",
    ),
    *("Hash-Negative", "Blanks", "blank well", "ambient RNA", "undetected", "unsorted", "MULTI"),
]
# A capital letter alone tells where the word ends.
WRITTEN_IN_CAPITALS = {"poolB"}
PEOPLE = [
    *(
        "0",
        "1",
        "2",
        "12",
        "2.5",
        "P1",
        "D1/2",
        "pool_donor_3",
        "pool1_donor3",
        "pool1_D3",
        "na12878",
        "NA19238",
    ),
    *(
        "DB1",
        "mixed-race 3",
        "HIV_negative_3",
        "negative_1",
        "NEG001",
        "ND1",
        "UNK-001",
        "Null3",
        "DBL1",
        "AMB12",
    ),
    *(
        "SNG-x",
        "SNG-NA12878",
        "1,1",
        "S1,S1,0.00",
        "donor0",
        "HTO1",
        "CMO301",
        "Hashtag-3",
        "1-1",
        "2020/01/02",
    ),
    *(
        "unknown_patient_2",
        "O'Neil",
        "Nan Goldin",
        "Donor NA12878",
        "sample_NA19238",
        "donor_nd_4",
        "Donor Nandi",
        "none 3",
        "blank_7",
        "donor",
        "REF",
        "INF01",
        "MULTI-3",
        "unsorted_P1",
        "hash1",
        "label 3",
        "999",
        "2147483646",
        "Otherwise",
        "Poole",
        "mouse 3",
        "A",
        "\u7532",
        "x" * 5_000,
    ),
]


@pytest.mark.parametrize("label", NOBODY)
def test_what_stands_where_a_donor_should_is_none(label):
    assert names_nobody(label)


@pytest.mark.parametrize("label", PEOPLE, ids=[label[:20] for label in PEOPLE])
def test_people_are_donors_whatever_they_are_called(label):
    assert not names_nobody(label)


@always
@given(
    label=st.sampled_from([label for label in NOBODY if label not in WRITTEN_IN_CAPITALS]),
    change=st.sampled_from(
        [str.upper, str.lower, str.title, lambda s: f" {s}\t", lambda s: s.replace(" ", "  ")]
    ),
)
def test_outcomes_are_none_in_any_case_and_with_any_space(label, change):
    assert names_nobody(change(label))


@always
@given(
    ids=st.lists(
        st.one_of(
            st.from_regex(r"(P|D|S|H|Pt|GSM|Subj|TSP|MS|TBU)[-_ .]?[0-9]{1,6}[A-F]?", fullmatch=True),
            st.from_regex(r"(donor|patient|mouse|subject|case|ctrl|animal)[-_ ]?[0-9]{1,4}", fullmatch=True),
            st.from_regex(r"[0-9]{1,4}([-_.][A-Z0-9]{1,4})?", fullmatch=True),
            st.from_regex(r"[A-Z]{2}[0-9]{3,6}/[0-9]{1,2}", fullmatch=True),
        ),
        min_size=1,
        max_size=20,
        unique_by=lambda text: "".join(text.casefold().split()),
    )
)
def test_made_up_ids_of_people_are_donors_each_one_of_their_own(ids):
    named = name_donors(pl.Series(ids))
    assert named["has_known_donor"].all()
    assert named["donor_id"].to_list() == ids


@always
@given(
    spellings=st.lists(
        st.tuples(
            st.sampled_from(["P8", "donor 12", "Ann B", "x-1"]),
            st.sampled_from([str.upper, str.lower, str.title, str]),
            st.sampled_from(["{}", " {}", "{} ", "\t{}", "{}\u00a0", "\u200b{}"]),
        ),
        min_size=1,
    )
)
def test_ids_that_differ_in_case_and_space_only_are_one_donor(spellings):
    labels = [frame.format(change(name)) for name, change, frame in spellings]
    named = name_donors(pl.Series(labels))
    ids = dict(named.select("label", "donor_id").iter_rows())
    for name in {name for name, _, _ in spellings}:
        own = [label for label, (of, _, _) in zip(labels, spellings, strict=True) if of == name]
        assert len({ids[label] for label in own}) == 1
    assert named["n_cells"].sum() == len(labels)


@pytest.mark.parametrize(
    ("labels", "pairs"),
    [
        (
            ["Ann", "Bob", "Ann+Bob", "bob, ANN", "Ann|Bob|Cleo", "Cleo"],
            ["Ann+Bob", "bob, ANN", "Ann|Bob|Cleo"],
        ),
        (["TotalA1", "TotalA2", "TotalA1_TotalA2", "TotalA1_TotalA3"], ["TotalA1_TotalA2"]),
        (["D1", "2", "D1/2", "1", "1-2", "1_2"], []),
        (["A", "B_A", "A_B_A", "A_A"], []),
        (["a" * 9, ",".join(["a"] * 5_000)], []),
    ],
    ids=["names", "hashtags", "ids with a slash", "ids that hold others", "a label without end"],
)
def test_two_ids_of_the_column_joined_are_a_doublet(labels, pairs):
    named = name_donors(pl.Series(labels))
    assert named.filter(~pl.col("has_known_donor"))["donor_id"].to_list() == pairs


@pytest.mark.parametrize(
    ("labels", "missing"),
    [
        (["1", "2", "12", "999"], ["999"]),
        (["1.0", "12.0", "9999.0"], ["9999.0"]),
        (["P1", "P2", "999", "9999"], ["999", "9999"]),
        (["997", "998", "999", "1000"], []),
        (["1003", "999"], []),
        (["99998", "99999"], []),
        (["999"], []),
        (["unknown", "999"], ["unknown"]),
    ],
    ids=["small", "floats", "names", "in a row", "larger", "long", "alone", "beside nobody"],
)
def test_nines_are_missing_where_no_number_leads_up_to_them(labels, missing):
    named = name_donors(pl.Series(labels))
    assert named.filter(~pl.col("has_known_donor"))["label"].to_list() == missing


def test_known_donors_of_a_list_are_counted_once():
    assert count_known_donors(["P1", "p1 ", "unknown", None, "P2"]) == 2
    assert count_known_donors([]) == 0


def test_letters_alone_are_enough_for_a_donor_but_for_the_words_that_say_nobody():
    letters = string.ascii_uppercase
    pairs = [a + b for a in letters for b in letters]
    assert {pair for pair in pairs if names_nobody(pair)} == {"NA", "ND"}
