import polars as pl
import pytest

from c2s_assets.core.datasets import Selection
from c2s_assets.core.discover import tabulate_datasets
from c2s_assets.core.selection import Offer, offer_of, select


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
    record("adult", stage="65-year-old stage", suspension_type=["cell"]),
    record("embryo", stage="Carnegie stage 10", cells=5_000),
    record(
        "mouse",
        tissue="lung",
        organism="Mus musculus",
        stage="3-month-old stage",
        suspension_type=["nucleus"],
    ),
    record("sick", disease=[{"label": "COVID-19"}, {"label": "normal"}], cells=None),
]
LISTING = tabulate_datasets(RECORDS).rows.with_columns(n_absent=pl.lit(0, pl.Int32))


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
        ({"tissue": ["lung"], "organism": ["Homo sapiens"]}, ""),
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
        ({"datasets": ["mouse"], "exclude": ["mouse"]}, ""),
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
    chosen = {"tissue": ["bloood", "lung"], "collections": ["x"], "datasets": ["gone"], "exclude": ["adult"]}
    assert select(LISTING, Selection.model_validate(chosen)).problems == [
        "cellxgene: tissue: no dataset of the listing has 'bloood'; did you mean blood?",
        "cellxgene: collections: no dataset of the listing has 'x'.",
        "cellxgene: 'gone' is not in the listing.",
    ]


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


def test_one_dataset_is_offered_if_it_is_taken():
    chosen = Selection(tissue=["lung"])
    assert offer_of(LISTING, chosen, dataset_id="mouse") == Offer("mouse1", "https://h/mouse.h5ad", 7)
    assert offer_of(LISTING, chosen, dataset_id="adult") is None
    assert offer_of(LISTING, chosen, dataset_id="elsewhere") is None
    assert offer_of(LISTING, Selection(), dataset_id="mouse") is None
    assert offer_of(LISTING.clear(), chosen, dataset_id="mouse") is None
