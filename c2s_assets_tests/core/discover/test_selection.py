import polars as pl
import pytest

from c2s_assets.core.discover.selection import LABEL_FILTERS, Offer, count_labels, offer_of, select
from c2s_assets.core.settings import Selection
from c2s_assets_tests.listing import list_datasets


def record(name, *, tissue="blood", organism="Homo sapiens", stage="unknown", cells=100, **fields):
    labels = {"tissue": tissue, "organism": organism, "development_stage": stage, "assay": "10x 3' v3"}
    return {
        "dataset_id": name,
        "dataset_version_id": f"{name}1",
        "collection_id": f"collection_{name}",
        "cell_count": cells,
        "assets": [{"filetype": "H5AD", "filesize": 7, "url": f"https://h/{name}.h5ad"}],
        **{column: [{"label": label}] for column, label in labels.items()},
        **fields,
    }


RECORDS = [
    record("adult", stage="65-year-old stage", suspension_type=["cell"], sex=[{"label": "female"}]),
    record("embryo", stage="Carnegie stage 10", cells=5_000, cell_type=[{"label": "B cell"}]),
    record(
        "mouse",
        tissue="lung",
        organism="Mus musculus",
        stage="3-month-old stage",
        suspension_type=["nucleus"],
    ),
    record("sick", disease=[{"label": "COVID-19"}, {"label": "normal"}], cells=None),
]
LISTING = list_datasets(RECORDS).rows


def problems(**selection):
    return select(LISTING, Selection.model_validate(selection)).problems


def taken(**selection):
    found = select(LISTING, Selection.model_validate(selection))
    assert found.problems == []
    return dict(found.rows.select("dataset_id", "reason").rows())


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        ({}, ""),
        ({"exclude": ["adult"]}, ""),
        ({"tissue": []}, ""),
        ({"organism": ["homo SAPIENS"]}, "adult embryo sick"),
        ({"tissue": "blood"}, "adult embryo sick"),
        ({"tissue": ["blood", "lung"]}, "adult embryo mouse sick"),
        ({"tissue": ["lung"], "organism": ["Mus musculus"]}, "mouse"),
        ({"assay": ["10x 3' v3"]}, "adult embryo mouse sick"),
        ({"disease": ["COVID-19"]}, "sick"),
        ({"development_stage": ["carnegie stage 10"]}, "embryo"),
        ({"suspension_type": ["nucleus"]}, "mouse"),
        ({"has_ages": True}, "adult mouse"),
        ({"has_ages": False}, "embryo sick"),
        ({"min_cells": 101}, "embryo"),
        ({"max_cells": 100}, "adult mouse"),
        ({"min_cells": 0}, "adult embryo mouse"),
        ({"collections": ["collection_mouse", "collection_sick"]}, "mouse sick"),
        ({"datasets": ["mouse"]}, "mouse"),
        ({"datasets": ["mouse"], "disease": ["COVID-19"]}, "mouse sick"),
        ({"tissue": ["blood"], "exclude": ["embryo", "collection_sick"]}, "adult"),
        ({"sex": ["Female"]}, "adult"),
        ({"cell_type": ["b cell"]}, "embryo"),
        ({"datasets": ["MOUSE"], "collections": ["Collection_Sick"]}, "mouse sick"),
        ({"tissue": ["blood"], "exclude": ["EMBRYO", "COLLECTION_SICK"]}, "adult"),
    ],
    ids=str,
)
def test_a_selection_takes(selection, ids):
    assert sorted(taken(**selection)) == ids.split()


def test_the_reason_says_which_filters_a_dataset_passed():
    chosen = {"tissue": ["Blood", "lung"], "has_ages": True, "max_cells": 1000, "datasets": ["embryo"]}
    assert taken(**chosen) == {
        "adult": "tissue blood; has ages; at most 1,000 cells",
        "embryo": "named in datasets",
        "mouse": "tissue lung; has ages; at most 1,000 cells",
    }


def test_what_is_asked_for_and_not_listed_is_told():
    chosen = {
        "tissue": ["bloood", "lung"],
        "collections": ["x", "Collection_Mouse"],
        "datasets": ["gone"],
        "exclude": ["adult"],
    }
    assert problems(**chosen) == [
        "cellxgene: tissue: no dataset of the listing has 'bloood'; did you mean blood?",
        "cellxgene: collections: no dataset of the listing has 'x'.",
        "cellxgene: 'gone' is not in the listing.",
    ]


@pytest.mark.parametrize(
    ("selection", "problem"),
    [
        (
            {"datasets": ["Collection_Mouse"]},
            "datasets: Collection_Mouse is a collection: name it under coll",
        ),
        ({"collections": ["mouse"]}, "collections: mouse is a dataset: name it under datasets."),
        ({"tissue": ["UBERON:0000178"]}, "tissue takes labels such as 'blood', not ids of terms. c2s select"),
        ({"organism": ["NCBITaxon:9606"]}, "takes labels such as 'Homo sapiens', not ids"),
        ({"organism": ["human"]}, "has 'human'. c2s select --values organism lists what there is."),
        ({"datasets": ["mouse"], "exclude": ["MOUSE"]}, "mouse stands in datasets and in exclude; exclude w"),
        (
            {"datasets": ["mouse"], "exclude": ["collection_mouse"]},
            "mouse stands in datasets and its collection collection_mouse in exclude; exclude wins.",
        ),
        (
            {"collections": ["collection_mouse"], "exclude": ["collection_mouse"]},
            "collection_mouse stands in collections and in exclude; exclude wins.",
        ),
        ({"tissue": ["lung"], "exclude": ["mouse"]}, "exclude names every dataset that passes the filters."),
        ({"min_cells": 10_000}, "no dataset passes the filter min_cells."),
        (
            {"tissue": ["lung"], "organism": ["Homo sapiens"], "has_ages": True},
            "no dataset passes all filters; alone, organism leaves 3, tissue leaves 1, has_ages leaves 2.",
        ),
    ],
    ids=str,
)
def test_what_takes_nothing_is_told_and_why(selection, problem):
    found = select(LISTING, Selection.model_validate(selection))
    assert found.rows.is_empty()
    assert any(problem in text for text in found.problems), found.problems


def test_a_word_that_no_dataset_has_is_told_once():
    assert len(problems(tissue=["bloood"], organism=["Homo sapiens"])) == 1


def test_labels_are_counted_the_most_frequent_first():
    assert count_labels(LISTING, "tissue").rows() == [("blood", 3, 5_100), ("lung", 1, 100)]
    assert count_labels(LISTING, "disease").rows() == [("COVID-19", 1, 0), ("normal", 1, 0)]
    withdrawn = LISTING.with_columns(n_absent=pl.lit(1, pl.Int32))
    assert count_labels(withdrawn, "tissue").is_empty()


def test_what_cannot_be_fetched_is_not_taken():
    listing = LISTING.with_columns(
        n_absent=pl.when(pl.col("dataset_id") == "adult").then(1).otherwise(0).cast(pl.Int32),
        h5ad_url=pl.when(pl.col("dataset_id") != "sick").then("h5ad_url"),
    )
    found = select(listing, Selection(tissue=["blood"], datasets=["adult", "sick"]))
    assert found.rows["dataset_id"].to_list() == ["embryo"]
    assert found.problems == [
        "cellxgene: adult was missing from the last listing; it is not fetched.",
        "cellxgene: sick has no h5ad.",
    ]


def test_every_list_of_labels_that_can_be_selected_is_a_filter():
    lists = {name for name, field in Selection.model_fields.items() if field.default == []}
    assert lists == {*LABEL_FILTERS, "collections", "datasets", "exclude"}


def test_one_dataset_is_offered_if_it_is_taken():
    chosen = Selection(tissue=["lung"])
    assert offer_of(LISTING, chosen, dataset_id="mouse") == Offer("mouse1", "https://h/mouse.h5ad", 7)
    assert offer_of(LISTING, chosen, dataset_id="adult") is None
    assert offer_of(LISTING, chosen, dataset_id="elsewhere") is None
    assert offer_of(LISTING, Selection(), dataset_id="mouse") is None
    assert offer_of(LISTING.clear(), chosen, dataset_id="mouse") is None


def test_a_dataset_is_taken_by_each_of_the_labels_that_a_field_joins() -> None:
    """CELLxGENE writes `A || B` where a cell has both."""
    both = record("both", disease=[{"label": "COVID-19 || asthma"}, {"label": "normal"}])
    listing = list_datasets([both]).rows
    for wanted in (["asthma"], ["covid-19"], ["COVID-19 || asthma"]):
        found = select(listing, Selection(disease=wanted))
        assert (found.rows["dataset_id"].to_list(), found.problems) == (["both"], [])
    labels = [row[0] for row in count_labels(listing, "disease").rows()]
    assert labels == ["COVID-19", "asthma", "normal"]
    (problem,) = select(listing, Selection(disease=["asthma", "astma"])).problems
    assert "'astma'; did you mean asthma?" in problem
