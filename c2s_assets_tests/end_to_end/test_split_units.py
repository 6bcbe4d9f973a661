"""What is on one side as a whole: datasets, collections, sections of one donor, samples taken years apart."""

from pathlib import Path

import polars as pl
import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.end_to_end.splitting import (
    N_DONORS,
    N_OBS,
    begin_lake,
    build_sides,
    drop_donors,
    run,
    written,
)

STUDIES = {"one": "0000000a", "two": "0000000a", "three": "0000000b", "four": "0000000c"}


def sides_of(layout: Layout, *dataset_ids: str) -> dict[str, list[str]]:
    """Tell on which sides the cells of each dataset are."""
    found = written(layout, *dataset_ids).group_by("dataset_id").agg(pl.col("side").unique().sort())
    return dict(found.iter_rows())


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("dataset", {"one": ["train"], "three": ["test"], "four": ["train"]}),
        ("collection", {"one": ["train"], "two": ["train"], "three": ["test"], "four": ["train"]}),
    ],
)
def test_datasets_and_collections_are_on_one_side_as_a_whole(
    tmp_path: Path, by: str, expected: dict[str, list[str]]
) -> None:
    layout = begin_lake(tmp_path, settings=f"split: {{by: {by}, validation_size: 0}}\n")
    for seed, dataset_id in enumerate(expected):
        drop_donors(layout, dataset_id, seed=seed, collection=STUDIES[dataset_id])
    build_sides(layout, *expected)
    assert sides_of(layout, *expected) == expected
    assert written(layout, *expected).height == N_OBS * len(expected)
    run(layout, "audit")


def test_sections_of_one_donor_are_on_one_side_also_where_datasets_are_split(tmp_path: Path) -> None:
    """Adjacent sections of a tissue are nearly the same: Visium has one file for each."""
    layout = begin_lake(tmp_path, settings="split: {by: dataset}\n")
    sections = {
        name: {"donor_id": donor, "in_tissue": 1, "array_row": 0, "array_col": range(N_OBS)}
        for name, donor in (("mouse1_a", "mouse 1"), ("mouse2_a", "mouse 2"), ("mouse1_b", "mouse 1"))
    }
    for seed, (name, obs) in enumerate(sections.items()):
        drop_donors(layout, name, seed=seed, collection="0000000d", donors=None, obs=obs)
    build_sides(layout, *sections)
    assert sides_of(layout, *sections) == {"mouse1_a": ["train"], "mouse2_a": ["test"], "mouse1_b": ["train"]}


def test_who_was_sampled_twice_is_on_one_side_with_the_age_and_disease_of_each_sample(tmp_path: Path) -> None:
    layout = begin_lake(tmp_path)
    is_later = [cell >= N_OBS // 2 for cell in range(N_OBS)]
    stages = [f"{30 + cell % N_DONORS + 10 * later}-year-old stage" for cell, later in enumerate(is_later)]
    samples = {
        "development_stage": stages,
        "development_stage_ontology_term_id": "unknown",
        "disease": ["COVID-19" if later else "normal" for later in is_later],
    }
    drop_donors(layout, "visits", seed=1, collection="0000000e", obs=samples)
    build_sides(layout, "visits")
    donors = (
        written(layout, "visits")
        .group_by("donor_uid")
        .agg(pl.col("side").unique(), pl.col("age").unique().sort(), pl.col("disease").unique().sort())
    )
    assert donors.height == N_DONORS
    assert donors["side"].list.len().unique().to_list() == [1]
    assert (donors["age"].list.get(1) - donors["age"].list.get(0)).unique().to_list() == [10]
    assert donors["disease"].unique().to_list() == [["COVID-19", "normal"]]


def test_cells_without_a_canonical_copy_are_used_once_if_that_is_asked_for(tmp_path: Path) -> None:
    layout = begin_lake(tmp_path, settings="split: {non_primary: keep_if_unique}\n")
    atlases = {"atlas": "0000000a", "again": "0000000b"}
    for dataset_id, collection in atlases.items():
        drop_donors(
            layout,
            dataset_id,
            seed=1,
            collection=collection,
            donors=f"{dataset_id} ",
            obs={"is_primary_data": False},
        )
    build_sides(layout, *atlases)
    run(layout, "audit")
    used = written(layout, *atlases)
    evidence = pl.read_parquet(layout.table("cell_fingerprints", "atlas")).drop_nulls("exact_1")["cell_id"]
    is_evidence = pl.col("cell_id").is_in(evidence.to_list())
    assert evidence.len() > 0.9 * N_OBS
    assert used.filter(is_evidence)["cell_id"].sort().to_list() == evidence.sort().to_list()

    # The study that they are of comes: its cells are used in their place.
    drop_donors(layout, "study", seed=1, collection="0000000c")
    build_sides(layout, "study")
    run(layout, "audit")
    used = written(layout, "study", *atlases).filter(is_evidence)
    assert used["dataset_id"].unique().to_list() == ["study"]
