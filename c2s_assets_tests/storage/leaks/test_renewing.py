"""Copies that are planted are found, whatever their cells and donors are called, and nothing else is."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from c2s_assets.schemas.leaks import CellCopies, DonorAliases
from c2s_assets.schemas.violations import keeps_schema
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.leaks.published import read_aliases, read_copies
from c2s_assets_tests.defs.building import files_below
from c2s_assets_tests.storage.leaks.planting import draw, drop_genes, put_cells, renew_lake


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "lake")


def _plant(layout: Layout, *, frac: float = 0.0) -> None:
    """Let `atlas` hold 20 of the 40 cells of `study`, in another order; 10 of them are Ann's, 10 Bob's."""
    cells = draw(40, seed=1)
    put_cells(layout, "study", cells, donors=["Ann", "Bob"], is_primary=True)
    copies = drop_genes(cells[20:][::-1], frac=frac)
    put_cells(
        layout, "atlas", np.concatenate([draw(20, seed=2), copies]), donors=["D2", "D1"], is_primary=False
    )


def test_a_lake_without_copies_has_none(layout: Layout) -> None:
    for seed, dataset_id in enumerate(("one", "two")):
        put_cells(layout, dataset_id, draw(50, seed=seed), donors=["Ann", "Bob"])
    renewal = renew_lake(layout)
    assert renewal.targets == [layout.donor_aliases]
    assert read_aliases(layout).is_empty()
    assert not layout.all_copies.exists()


@pytest.mark.parametrize("frac", [0, 0.01, 0.05])
def test_donors_are_found_under_their_other_names(layout: Layout, frac: float) -> None:
    _plant(layout, frac=frac)
    renew_lake(layout)
    aliases = read_aliases(layout)
    assert keeps_schema([aliases], DonorAliases).holds
    n_exact = 10 if frac == 0 else 0
    assert aliases.drop("n_expected_by_chance").rows() == [
        ("atlas/D1", "study/Ann", True, 10, n_exact, 20, 20, ["atlas", "study"]),
        ("atlas/D2", "study/Bob", True, 10, n_exact, 20, 20, ["atlas", "study"]),
    ]
    assert aliases["n_expected_by_chance"].max() < 0.001


def test_a_cell_and_its_copy_are_in_one_group(layout: Layout) -> None:
    _plant(layout, frac=0.05)
    renew_lake(layout)
    study, atlas = (read_copies(layout, dataset_id) for dataset_id in ("study", "atlas"))
    for table in (study, atlas):
        assert keeps_schema([table], CellCopies).holds
    assert study["cell_id"].to_list() == [f"cell_{row:04d}" for row in range(20, 40)]
    assert atlas["cell_id"].to_list() == study["cell_id"].to_list()
    assert study["copy_group"].to_list() == atlas["copy_group"].to_list()[::-1]
    assert study["copy_group"].n_unique() == 20
    assert study["is_primary_data"].all()
    assert not atlas["is_primary_data"].any()
    for table in (study, atlas):
        assert table.select("n_datasets", "has_primary", "is_exact").unique().rows() == [(2, True, False)]


def test_copies_without_a_canonical_one_are_counted(layout: Layout) -> None:
    cells = draw(5, seed=1)
    for dataset_id in ("one", "two", "three"):
        put_cells(layout, dataset_id, cells, donors=["Ann"], is_primary=False)
    figures = renew_lake(layout).figures
    assert (figures.n_copies, figures.n_cells_copied, figures.n_without_primary) == (15, 5, 5)
    copies = read_copies(layout, "two")
    assert copies.select("n_datasets", "has_primary", "is_exact").unique().rows() == [(3, False, True)]


def test_a_copy_of_which_nothing_is_said_counts_as_canonical(layout: Layout) -> None:
    """Its cells are used as canonical ones are."""
    cells = draw(5, seed=1)
    put_cells(layout, "one", cells, donors=["Ann"], is_primary=False)
    put_cells(layout, "two", cells, donors=["Ann"], is_primary=None)
    assert renew_lake(layout).figures.n_without_primary == 0
    assert read_copies(layout, "one")["has_primary"].all()


def test_one_name_in_two_datasets_is_two_people_unless_cells_say_otherwise(layout: Layout) -> None:
    for seed, dataset_id in enumerate(("one", "two")):
        put_cells(layout, dataset_id, draw(50, seed=seed), donors=["donor_1"])
    renew_lake(layout)
    assert read_aliases(layout).is_empty()


def test_two_cells_are_not_enough_for_one_person(layout: Layout) -> None:
    cells = draw(30, seed=1)
    put_cells(layout, "one", cells, donors=["Ann"])
    put_cells(layout, "two", np.concatenate([cells[:2], draw(30, seed=2)]), donors=["Eve"])
    renew_lake(layout)
    shared = read_aliases(layout).select("n_shared_cells", "is_same_person").rows()
    assert shared == [(2, False)]


@pytest.mark.parametrize("donor", [None, "unknown"])
def test_donors_that_cannot_be_told_apart_are_no_aliases(layout: Layout, donor: str | None) -> None:
    cells = draw(10, seed=1)
    put_cells(layout, "one", cells, donors=["Ann"])
    put_cells(layout, "two", cells, donors=[donor])
    renew_lake(layout)
    assert read_aliases(layout).is_empty()
    assert read_copies(layout, "two").height == 10


def test_a_cell_that_is_twice_in_one_dataset_is_found(layout: Layout) -> None:
    cells = draw(11, seed=1)
    put_cells(layout, "one", np.concatenate([cells, cells]), donors=["Ann", "Bob"])
    renew_lake(layout)
    assert read_aliases(layout).drop("n_expected_by_chance").rows() == [
        ("one/Ann", "one/Bob", True, 11, 11, 11, 11, ["one"])
    ]
    copies = read_copies(layout, "one")
    assert (copies.height, copies["copy_group"].n_unique()) == (22, 11)
    assert copies["n_datasets"].unique().to_list() == [1]


def test_a_renewal_without_a_change_writes_nothing(layout: Layout) -> None:
    _plant(layout)
    renew_lake(layout)
    before = files_below(layout.root)
    renewal = renew_lake(layout)
    assert renewal.targets == []
    assert renewal.figures.n_compared_anew == 0
    assert files_below(layout.root) == before


def test_only_what_was_built_again_is_compared_again(layout: Layout) -> None:
    cells = draw(10, seed=1)
    for dataset_id in ("one", "two", "three"):
        put_cells(layout, dataset_id, cells, donors=["Ann"])
    assert renew_lake(layout).figures.n_compared_anew == 3
    names = pl.concat([read_copies(layout, dataset_id) for dataset_id in ("one", "two")])["copy_group"]
    put_cells(layout, "three", np.concatenate([cells[:3], draw(5, seed=2)]), donors=["Ann"], version="b")
    renewal = renew_lake(layout)
    assert renewal.figures.n_compared_anew == 2
    assert renewal.figures.n_copies == 23
    # A cell keeps the name of its group, whatever becomes of copies elsewhere.
    again = pl.concat([read_copies(layout, dataset_id) for dataset_id in ("one", "two")])["copy_group"]
    assert again.equals(names)


def test_what_was_known_of_a_dataset_goes_with_it(layout: Layout) -> None:
    _plant(layout)
    renew_lake(layout)
    layout.table("cell_fingerprints", "atlas").unlink()
    renewal = renew_lake(layout)
    assert "it has no cell_fingerprints" in renewal.left_out["atlas"]
    assert read_aliases(layout).is_empty()
    assert read_copies(layout, "study").is_empty()
    assert files_below(layout.root / "catalogue").keys() == {"donor_aliases.parquet"}


def test_fingerprints_by_other_rules_are_left_out(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    _plant(layout)
    monkeypatch.setattr("c2s_assets.storage.leaks.sources.SPEC_ID", "another")
    renewal = renew_lake(layout)
    assert set(renewal.left_out) == {"study", "atlas"}
    assert "c2s build --outdated atlas" in renewal.left_out["atlas"]


def test_the_order_in_which_datasets_arrive_does_not_matter(tmp_path: Path) -> None:
    cells = draw(30, seed=1)
    parts = {"one": cells[:20], "two": cells[10:], "three": drop_genes(cells[5:15], frac=0.05)}
    written = []
    for order in (("one", "two", "three"), ("three", "one", "two")):
        layout = Layout(tmp_path / order[0])
        for dataset_id in order:
            put_cells(layout, dataset_id, parts[dataset_id], donors=["Ann", "Bob"])
            renew_lake(layout)
        written.append(files_below(layout.root / "catalogue"))
    assert written[0] == written[1]
