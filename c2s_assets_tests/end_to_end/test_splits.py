"""One split for a whole lake: planted copies, shared donors and equal names, up to a clean audit."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import Said
from c2s_assets_tests.end_to_end.splitting import (
    N_DONORS,
    begin_lake,
    build_sides,
    drop_donors,
    manifest,
    run,
    sides,
    written,
)
from c2s_assets_tests.toy import drop_toy_h5ad

after_the_audit = pytest.mark.usefixtures("audited")
COLLECTIONS = {"ours": "0000000a", "again": "0000000a", "copy": "0000000b", "namesakes": "0000000c"}


def drop(layout: Layout, dataset_id: str, *, seed: int, donors: str | None = "donor_") -> None:
    collection = COLLECTIONS.get(dataset_id, dataset_id)
    drop_donors(layout, dataset_id, seed=seed, collection=collection, donors=donors)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A lake: `again` has the donors of `ours`, `copy` its cells under other names, `namesakes` its names."""
    layout = begin_lake(tmp_path_factory.mktemp("corpus"))
    drop(layout, "ours", seed=1)
    drop(layout, "again", seed=2)
    drop(layout, "copy", seed=1, donors="patient ")
    drop(layout, "namesakes", seed=3)
    drop(layout, "nameless", seed=3, donors=None)
    names = ["ours", "again", "copy", "namesakes", "nameless"]
    build_sides(layout, *names)
    return layout


@pytest.fixture(scope="module")
def audited(layout: Layout) -> Said:
    """What the first audit says; it renews the plan and builds what that changes."""
    assert sides(layout, "again") == sides(layout, "ours")
    assert not set(sides(layout, "namesakes")) & set(sides(layout, "ours"))
    return run(layout, "audit")


def test_the_audit_finds_who_is_one_person_and_ends_without_a_leak(layout: Layout, audited: Said) -> None:
    aliases = pl.read_parquet(layout.donor_aliases).filter("is_same_person")
    found = {tuple(row) for row in aliases.select("donor_uid", "other_donor_uid").iter_rows()}
    ours, theirs = (f"{c}-0000-4000-8000-000000000000" for c in ("0000000a", "0000000b"))
    assert found == {(f"{ours}/donor_{d}", f"{theirs}/patient {d}") for d in range(N_DONORS)}
    assert "leak_audit" in audited.out
    assert pl.read_parquet(layout.leaks).is_empty()


def test_who_was_on_two_sides_under_two_names_is_in_quarantine_and_nobody_has_moved(
    layout: Layout, audited: Said
) -> None:
    ours, copy = sides(layout, "ours"), sides(layout, "copy")
    assert None not in ours.values()
    pairs = [
        (ours[uid], copy[uid.replace("0000000a", "0000000b").replace("donor_", "patient ")]) for uid in ours
    ]
    assert all(theirs in (side, None) for side, theirs in pairs)
    n_held = sum(theirs is None for _, theirs in pairs)
    assert 0 < n_held < N_DONORS  # two seeds that drew the same donors would show nothing
    assert manifest(layout, "copy")["n_quarantined"].sum() == 12 * n_held
    assert written(layout, "copy").height == 12 * (N_DONORS - n_held)
    assert f"{n_held} in quarantine" in audited.out


@after_the_audit
def test_cells_without_a_donor_are_used_once(layout: Layout) -> None:
    """They are those of `namesakes`, whose donors have a side."""
    with_evidence = pl.read_parquet(layout.table("cell_fingerprints", "nameless")).drop_nulls("exact_1")
    assert with_evidence.height > 0.9 * 12 * N_DONORS
    assert manifest(layout, "nameless")["n_copies"].sum() == with_evidence.height
    assert written(layout, "namesakes").height == 12 * N_DONORS


@after_the_audit
def test_a_second_audit_changes_nothing(layout: Layout) -> None:
    before = layout.split_plan.read_bytes()
    assert "has other sides now" not in run(layout, "audit").err
    assert layout.split_plan.read_bytes() == before


@after_the_audit
@pytest.mark.parametrize("to", ["test", "validation"])
def test_a_copy_that_is_moved_by_hand_is_found_and_built_again(layout: Layout, to: str) -> None:
    train = next(layout.parts("train", "ours").iterdir())
    shutil.copy(train, layout.parts(to, "ours") / "chunk_0001.parquet")
    said = run(layout, "audit", status=1)
    assert "BROKEN leak_audit/no_donor_is_on_two_sides" in said.out
    assert "BROKEN leak_audit/no_copy_is_on_two_sides" in said.out
    assert "BROKEN leak_audit/sides_are_as_written: Of 1 datasets" in said.out
    assert "train_test of ours" in said.out
    run(layout, "build", "--only", "split_manifest,train_test", "ours")
    run(layout, "audit")


@after_the_audit
def test_a_manifest_that_is_edited_by_hand_is_found(layout: Layout) -> None:
    path = layout.table("split_manifest", "ours")
    before = path.read_bytes()
    changed = pl.read_parquet(path).with_columns(split=pl.lit("train"))
    changed.write_parquet(path)
    said = run(layout, "audit", status=1)
    assert "split_manifest of ours" in said.out
    path.write_bytes(before)
    run(layout, "audit")


@after_the_audit
def test_sides_drawn_anew_for_a_file_are_found(layout: Layout) -> None:
    """The classic mistake: a split of each chunk by itself."""
    train, test = (next(layout.parts(side, "again").iterdir()) for side in ("train", "test"))
    kept = train.read_bytes(), test.read_bytes()
    cells = pl.concat([pl.read_parquet(train), pl.read_parquet(test)])
    for path, rows in ((test, cells[::7]), (train, cells)):
        rows.write_parquet(path)
    assert "donors are where they must not be" in run(layout, "audit", status=1).out
    for path, content in zip((train, test), kept, strict=True):
        path.write_bytes(content)
    run(layout, "audit")


@after_the_audit
def test_a_plan_that_is_lost_is_made_of_the_manifests_and_nobody_moves(layout: Layout) -> None:
    on_a_side = {
        name: {uid: side for uid, side in sides(layout, name).items() if side} for name in COLLECTIONS
    }
    for path in (layout.split_plan, layout.split_marks):
        path.unlink()
    assert "outdated" not in run(layout, "ls").out
    run(layout, "build", "--only", "split_manifest", *COLLECTIONS)
    for name, before in on_a_side.items():
        assert before.items() <= sides(layout, name).items()
    run(layout, "audit")


@after_the_audit
def test_a_new_plan_is_shown_before_it_is_applied_and_leaves_nobody_in_quarantine(layout: Layout) -> None:
    before = layout.split_plan.read_bytes()
    shown = run(layout, "split", "--replan")
    assert "Nothing was changed. To apply it: c2s split --replan --apply" in shown.out
    assert layout.split_plan.read_bytes() == before
    run(layout, "split", "--apply", status=1)

    assert "The plan is version 2.0 now" in run(layout, "split", "--replan", "--apply").out
    run(layout, "audit")
    assert "in quarantine" not in run(layout, "split").out
    assert manifest(layout, "copy")["n_quarantined"].sum() == 0
    planned = pl.read_parquet(layout.split_plan)
    assert planned.height == 2 * N_DONORS
    again = run(layout, "split", "--replan")
    assert again.out.startswith("0 of 40 persons would be on another side")


def test_a_dataset_keeps_its_sides_under_another_name(tmp_path: Path) -> None:
    other = begin_lake(tmp_path)
    drop(other, "old", seed=5)
    drop_toy_h5ad(other, "old", n_obs=240, n_vars=100, n_donors=20, uns={"citation": None})
    run(other, "build", "--only", "split_manifest", "old")
    before = sides(other, "old")
    run(other, "mv", "old", "new")
    run(other, "build", "--only", "split_manifest", "new")
    assert sides(other, "new") == {uid.replace("old/", "new/"): side for uid, side in before.items()}
    assert pl.read_parquet(other.split_plan).height == 20


@pytest.mark.parametrize(
    "obs",
    [{"tissue_type": "organoid"}, {"genetic_perturbation_strategy": "CRISPR knockout screen"}],
    ids=["organoids", "perturbed cells"],
)
def test_donors_of_cells_that_are_no_tissue_of_people_are_in_train(
    tmp_path: Path, obs: dict[str, str]
) -> None:
    """Guards the columns that a build hands to the split: without them the rule is never asked."""
    other = begin_lake(tmp_path)
    drop_toy_h5ad(other, "grown", n_obs=240, n_vars=100, n_donors=20, obs=obs)
    run(other, "build", "--only", "split_manifest", "grown")
    assert set(manifest(other, "grown")["split"]) == {"train"}
    assert manifest(other, "grown")["reason"].str.contains("some of its cells are").all()
