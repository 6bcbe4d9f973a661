"""A hundred leaks, planted in questions in all the ways in which an answer can be said."""

import polars as pl
import pytest

from c2s_assets.core.prompts.audit import audit_prompts
from c2s_assets.core.prompts.composing import PromptComposer
from c2s_assets.core.prompts.leaks import LeakFinder
from c2s_assets.core.prompts.spec import PromptSpec
from c2s_assets_tests.core.prompts.cells import some_cells

FINDER = LeakFinder(
    donors=frozenset(["F41", "7", "patient_12-b"]),
    titles=("An atlas of ageing lungs", "Human Muscle: all cells"),
    synonyms={
        "alpha-beta T cell": ["CL:0000789", "αβ T lymphocyte"],
        "34 years": ["34-year-old stage", "HsapDv:0000128"],
        "lung": ["UBERON:0002048"],
    },
)
# What is asked, and what a question may not say then.
PLANTED = {
    "cell_type": (
        *("alpha-beta T cell", "ALPHA-BETA T CELL", "Alpha-beta T cells", "alpha beta T cell's", "T cells"),
        *("T-cell", "beta T cell", "alpha", "CL:0000789", "αβ T lymphocytes", "αβ t lymphocyte"),
    ),
    "tissue": ("lung", "Lungs", "LUNG", "left-lung", "UBERON:0002048", "uberon_0002048"),
    "disease": (
        *(
            "COVID-19",
            "covid 19",
            "Covid",
            "mellitus",
            "type 2 diabetes mellitus",
            "Type-2 diabetes",
            "diabetes mellitus",
        ),
        "COVID-19 || type 2 diabetes mellitus",
    ),
    "sex": ("female", "Females", "a woman", "women", "girl"),
    "age": ("34 years", "34-year-old", "a 34 year old donor", "34-year-old stage", "HsapDv:0000128"),
    "age_decade": ("30 to 39 years", "30-to-39 years"),
    "cell_generation": ("F41", "(f41)", "donor F41", "donor 7", "patient-7", "Subject_7", "sample 7"),
    "tissue_of_cells": ("lung", "Patient 12 B", "an atlas of ageing lungs", "AN ATLAS OF AGEING LUNGS"),
    "cells_generation": ("F41's", "human muscle - all cells", "An atlas of ageing lungs, 2nd edition"),
}
_LABELS = {"disease": "COVID-19 || type 2 diabetes mellitus"}
# Where a leak is planted in a text: before it, behind it, on a line of its own.
PLACES = ("{leak}: {prompt}", "{prompt}\nNote ({leak}) that", "{prompt}\n{leak}.")
LEAKS = [(task, leak, place) for place in PLACES for task, leaks in PLANTED.items() for leak in leaks]


SYMBOLS = pl.Series([f"G{number}" for number in range(50)])


def audit(records, finder=FINDER):
    return audit_prompts(records, finder, symbols=SYMBOLS)


@pytest.fixture(scope="module")
def records():
    found = PromptComposer(PromptSpec(), FINDER).compose(some_cells(**_LABELS), side="train")
    assert not found.left_out
    return found.records


def test_there_are_a_hundred_leaks_and_all_are_found(records):
    assert len(LEAKS) >= 100
    missed = []
    for task, leak, place in LEAKS:
        one = records.filter(task=task).head(1)
        prompt = place.format(leak=leak, prompt=one["prompt"][0])
        found = audit(one.with_columns(prompt=pl.lit(prompt)))
        if "the question holds no answer" not in found["rule"].to_list():
            missed.append((task, leak, place))
    assert missed == []


def test_a_leak_in_the_place_of_a_gene_is_found_though_the_number_is_right(records):
    missed = []
    for task, leaks in PLANTED.items():
        one = records.filter(task=task).head(1)
        text = "response" if "generation" in task else "prompt"
        for leak in (leak.replace(" ", "-") for leak in leaks):
            planted = one.with_columns(pl.col(text).str.replace(r" G\d+ ", f" {leak} "))
            if audit(planted)["rule"].to_list() != ["num_genes is what the sentences hold"]:
                missed.append((task, leak))
    assert missed == []


@pytest.mark.parametrize(
    ("label", "parents", "others"),
    [
        ("pyramidal neuron", ["neuron", "Neurons", "pyramidal"], []),
        ("alveolar macrophage", ["macrophage", "macrophages"], ["cell"]),
        ("heart left ventricle", ["heart", "ventricle", "left ventricle"], ["left"]),
        ("Alzheimer disease", ["Alzheimer's", "ALZHEIMER"], ["disease", "diseases"]),
        ("alpha-beta T cell", ["beta T cells"], ["T", "cells"]),
        ("type 2 diabetes mellitus", ["diabetes mellitus", "mellitus"], ["type", "2"]),
        ("65 to 79 years", ["79 years"], ["years", "65", "to"]),
    ],
)
def test_a_word_of_a_label_is_a_parent_unless_many_labels_have_it(label, parents, others):
    assert {FINDER.find(f"Is it {parent}?", label) for parent in parents} == {"parent label"}
    assert {FINDER.find(f"Is it {other}?", label) for other in others} <= {None}


def test_a_leak_within_a_sentence_makes_it_longer_than_it_says(records):
    prompt = pl.col("prompt").str.replace("G5", "G5 G6", literal=True)
    found = audit(records.filter(task="sex").head(1).with_columns(prompt))
    assert found["found"].to_list() == ["7 words, but num_genes is 6"]


def test_what_is_written_holds_none(records):
    assert set(records["task"]) == set(PLANTED)
    assert audit(records).is_empty()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What type of cell is it?", "T cell"),
        ("Of which sex was the donor?", "male"),
        ("7 genes of a donor", "lung"),
        ("Is it female?", "male"),
        ("An atlas of ageing", "lung"),
        ("These 34 genes", "34 years"),
        ("F412 and XF41", "lung"),
    ],
)
def test_what_only_looks_alike_is_no_leak(question, answer):
    assert FINDER.find(question, answer) is None


def test_an_answer_that_every_wording_holds_is_not_asked():
    """Of a cell type called "cell": the question would be "what type of cell is it?"."""
    composed = PromptComposer(PromptSpec(tasks=["cell_type"]), FINDER).compose(
        some_cells(40, cell_type="cell"), side="train"
    )
    n_left_out = composed.left_out["cell_type", "answer"]
    assert n_left_out > 0
    assert composed.records.height == 40 - n_left_out
    assert audit(composed.records).is_empty()


def test_a_condition_that_names_a_donor_is_not_given():
    composed = PromptComposer(PromptSpec(tasks=["cell_generation"]), FINDER).compose(
        some_cells(2, cell_type=["F41 tumour cell", "T cell"]), side="train"
    )
    assert composed.left_out == {("cell_generation", "donor id"): 1}
    assert composed.records["cell_ids"].to_list() == [["cell1"]]


def test_a_gene_that_is_called_like_a_donor_is_none():
    finder = LeakFinder(donors=frozenset(["G1"]))
    records = PromptComposer(PromptSpec(), finder).compose(some_cells(), side="train").records
    assert audit(records, finder).is_empty()


def test_a_wrong_number_of_genes_is_found(records):
    one = records.group_by("task", maintain_order=True).first()
    found = audit(one.with_columns(pl.col("num_genes") + 1))
    assert found["task"].to_list() == one["task"].to_list()
    assert set(found["rule"]) == {"num_genes is what the sentences hold"}
