import csv
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.ages.intervals import MAX_AGE_YEARS, PRENATAL, UNKNOWN, AgeInterval
from c2s_assets.core.ages.stages import stage_interval

TERMS_FILE = Path(__file__).with_name("developmental_stages.tsv")

# Labels that terms share although they mean different things, and the term that is meant without an id.
AMBIGUOUS = {
    "adolescent stage": "HsapDv:0000086",
    "adult stage": "HsapDv:0000258",
    "immature stage": "HsapDv:0000080",
    "infant stage": "HsapDv:0000261",
    "late adult stage": "HsapDv:0000227",
    "mature stage": "HsapDv:0000204",
    "middle aged stage": "HsapDv:0000267",
    "prime adult stage": "HsapDv:0000226",
    "young adult stage": "HsapDv:0000266",
}


def _read_terms() -> dict[str, tuple[str, AgeInterval]]:
    lines = TERMS_FILE.read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t")
    return {
        row["ontology_term_id"]: (
            row["label"],
            AgeInterval(
                **{name: float(row[name]) if row[name] else None for name in ("age", "age_low", "age_high")},
                life_stage=row["life_stage"],
            ),
        )
        for row in rows
    }


TERMS = _read_terms()


def _assert_same(interval, expected):
    years = [None if value is None else pytest.approx(value, abs=1e-8, rel=0) for value in _years(expected)]
    assert _years(interval) == years
    assert interval.life_stage == expected.life_stage


def _years(interval):
    return [interval.age, interval.age_low, interval.age_high]


def _postnatal(age, low, high):
    return AgeInterval(age=age, age_low=low, age_high=high, life_stage="postnatal")


def test_every_term_of_both_ontologies_is_in_the_file():
    ontologies = [term_id.partition(":")[0] for term_id in TERMS]
    assert (ontologies.count("HsapDv"), ontologies.count("MmusDv"), len(TERMS)) == (260, 178, 438)


@pytest.mark.parametrize("term_id", TERMS)
def test_stage_interval_reads_a_term_by_label_and_id_and_by_id_alone(term_id):
    label, expected = TERMS[term_id]
    _assert_same(stage_interval(label, ontology_term_id=term_id), expected)
    _assert_same(stage_interval(None, ontology_term_id=term_id), expected)


@pytest.mark.parametrize("term_id", TERMS)
def test_stage_interval_reads_a_term_by_its_label_alone(term_id):
    label, expected = TERMS[term_id]
    if label in AMBIGUOUS:
        _, expected = TERMS[AMBIGUOUS[label]]
    _assert_same(stage_interval(label), expected)


def test_labels_that_mean_different_things_are_the_ones_listed():
    meanings = defaultdict(set)
    for label, expected in TERMS.values():
        meanings[label].add(expected)
    assert {label for label, intervals in meanings.items() if len(intervals) > 1} == set(AMBIGUOUS)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        pytest.param("22-year-old stage", _postnatal(22, 22, 23), id="a year"),
        pytest.param("3-month-old stage", _postnatal(0.25, 0.25, 4 / 12), id="a month"),
        pytest.param("65-79 year-old stage", _postnatal(72.5, 65, 80), id="a range that counts its end"),
        pytest.param("80 year-old and over stage", _postnatal(80, 80, None), id="open above"),
        pytest.param("fifth decade stage", _postnatal(45, 40, 50), id="a decade"),
        pytest.param("child stage (1-4 yo)", _postnatal(3, 1, 5), id="a range in brackets"),
        pytest.param(
            "newborn stage (0-28 days)", _postnatal(14 / 365.25, 0, 28 / 365.25), id="28 days of life"
        ),
        pytest.param("adult stage", _postnatal(None, 15, None), id="a name has no point"),
        pytest.param("Carnegie stage 17", PRENATAL, id="an embryo"),
        pytest.param("Theiler stage 27", _postnatal(None, 0, 4 / 365.25), id="the newborn mouse"),
        pytest.param("22-year-old human stage", _postnatal(22, 22, 23), id="old label with human inside"),
        pytest.param("human adult stage", _postnatal(None, 15, None), id="old label with human in front"),
        pytest.param("  ADULT\tstage ", _postnatal(None, 15, None), id="case and white space"),
        pytest.param("65\u201379 year-old stage", _postnatal(72.5, 65, 80), id="en dash"),
    ],
)
def test_stage_interval_reads_a_label(label, expected):
    _assert_same(stage_interval(label), expected)


@pytest.mark.parametrize(
    ("label", "term_id", "organism", "low"),
    [
        pytest.param("adult stage", "HsapDv:0000087", "Homo sapiens", 19, id="obsolete term"),
        pytest.param("middle aged stage", None, "Homo sapiens", 40, id="human by organism"),
        pytest.param("middle aged stage", None, "Mus musculus", 10 / 12, id="mouse by organism"),
        pytest.param("middle aged stage", None, "NCBITaxon:10090", 10 / 12, id="mouse by taxon"),
        pytest.param("middle aged stage", "MmusDv:0000135", "Homo sapiens", 10 / 12, id="id before organism"),
        pytest.param("middle aged stage", "MmusDv:9999999", None, 10 / 12, id="id of a newer release"),
        pytest.param("middle aged stage", "unknown", "unknown", 40, id="unknown id and organism"),
        pytest.param("middle aged stage", "UBERON:0000113", "Mus musculus", 10 / 12, id="neutral id"),
        pytest.param("premature stage", None, None, 4 / 365.25, id="no human stage of that name"),
    ],
)
def test_a_name_means_what_id_and_organism_say(label, term_id, organism, low):
    interval = stage_interval(label, ontology_term_id=term_id, organism=organism)
    assert interval.age is None
    assert interval.age_low == pytest.approx(low)


@pytest.mark.parametrize(
    ("label", "term_id", "organism"),
    [
        pytest.param("adult stage", "FBdv:00005369", None, id="fly by id"),
        pytest.param("prime adult stage", "UBERON:0018241", "Macaca mulatta", id="macaque by organism"),
        pytest.param("prime adult stage", "UBERON:0018241", None, id="any species"),
        pytest.param("larval:days 7-13", "ZFS:0000039", "Danio rerio", id="zebrafish larva"),
        pytest.param("5-days post-L4 adult hermaphrodite Ce", "WBls:0000670", None, id="worm"),
        pytest.param("day 6 of adulthood", "FBdv:00007084", "Drosophila melanogaster", id="fly"),
        pytest.param("pediatric stage", None, "Mus musculus", id="human name in a mouse"),
    ],
)
def test_stages_of_other_species_are_unknown(label, term_id, organism):
    assert stage_interval(label, ontology_term_id=term_id, organism=organism) == UNKNOWN


def test_a_label_that_states_its_age_holds_in_any_species():
    interval = stage_interval(
        "6-month-old stage", ontology_term_id="MfasDv:0000001", organism="Macaca mulatta"
    )
    assert interval == _postnatal(0.5, 0.5, 7 / 12)


@pytest.mark.parametrize(
    "label", [None, "", "unknown", "na", "nan", "life cycle", "11th decade", "()", "500-year-old stage"]
)
def test_what_says_no_age_is_unknown(label):
    assert stage_interval(label) == UNKNOWN


def test_several_stages_are_unknown_whatever_the_id():
    label = "22-year-old stage || 23-year-old stage"
    assert stage_interval(label, ontology_term_id="HsapDv:0000116") == UNKNOWN
    assert stage_interval(None, ontology_term_id="HsapDv:0000116 || HsapDv:0000117") == UNKNOWN


@pytest.mark.parametrize(
    "label",
    ["12 weeks post conception", "PCW 12", "14 weeks gestation", "embryonic day 14.5", "foetal stage"],
)
def test_weeks_before_birth_are_no_age(label):
    assert stage_interval(label) == PRENATAL


def test_a_number_too_long_to_be_an_age_does_not_overflow():
    """Neither `int` of 5,000 digits nor the division of what it gives would return."""
    assert stage_interval(f"{'9' * 5000}-year-old stage") == UNKNOWN


@settings(derandomize=True, max_examples=200)
@given(
    label=st.one_of(
        st.text(max_size=40),
        st.from_regex(
            r"[0-9]{1,7}(-[0-9]{1,7})?[ -](year|month|week|day)s?[ -]old( and over)? stage", fullmatch=True
        ),
    ),
    term_id=st.one_of(st.none(), st.text(max_size=20), st.sampled_from(sorted(TERMS))),
    organism=st.one_of(st.none(), st.text(max_size=20)),
)
def test_any_text_gives_a_point_inside_an_interval_inside_a_life(label, term_id, organism):
    interval = stage_interval(label, ontology_term_id=term_id, organism=organism)
    assert (interval.life_stage == "postnatal") == (interval.age_low is not None)
    if interval.age_low is None:
        assert (interval.age, interval.age_high) == (None, None)
        return
    high = float("inf") if interval.age_high is None else interval.age_high
    assert 0 <= interval.age_low <= MAX_AGE_YEARS
    assert interval.age_low < high
    assert interval.age is None or interval.age_low <= interval.age < high
