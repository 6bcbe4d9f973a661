"""The plan of a lake: what is published stays, whatever comes later, and nobody is on two sides."""

from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from c2s_assets.core.splits.manifest import split_dataset
from c2s_assets.core.splits.plan import (
    PLAN_SCHEMA,
    Subject,
    empty_plan,
    join_persons,
    moved_donors,
    settle,
    sides_of,
    version_of,
)
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.tables import SplitPlan

SPEC = SplitSpec()
NOBODY = join_persons([])


def cells_of(donors: dict[str | None, int], *, collection: str = "c", age: float = 30.0) -> pl.DataFrame:
    """Cells of donors of these sizes; `unknown` and none at all cannot be told apart."""
    rows = [
        (f"{donor}-{i}", donor, None if donor is None else f"{collection}/{donor}", age, True)
        for donor, n in donors.items()
        for i in range(n)
    ]
    names = ("cell_id", "donor_id", "donor_uid")
    schema = {**dict.fromkeys(names, pl.String), "age": pl.Float32, "is_primary_data": pl.Boolean}
    known = pl.col("donor_id").is_not_null() & (pl.col("donor_id") != "unknown")
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(has_known_donor=known)


def extend(
    plan: pl.DataFrame,
    cells: pl.DataFrame,
    dataset_id: str,
    *,
    persons: pl.DataFrame = NOBODY,
    spec: SplitSpec = SPEC,
    **subject: object,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the manifest of a dataset, and the plan with it."""
    return split_dataset(cells, plan, persons=persons, spec=spec, subject=Subject(dataset_id, **subject))


def sides(plan: pl.DataFrame) -> dict[str, str | None]:
    return dict(sides_of(plan).select("donor_uid", "split").iter_rows())


def twenty(prefix: str, n: int = 20) -> dict[str | None, int]:
    return {f"{prefix}{i}": 10 for i in range(n)}


def test_a_plan_has_the_declared_columns():
    manifest, plan = extend(empty_plan(), cells_of(twenty("d")), "one")
    assert frame_schema(SplitPlan) == PLAN_SCHEMA == dict(plan.schema)
    assert plan.height == manifest.height == 20


def test_ten_donors_have_a_validation_side_and_nine_have_none():
    for n, expected in ((9, {"train", "test"}), (10, {"train", "validation", "test"})):
        manifest, _ = extend(empty_plan(), cells_of(twenty("d", n)), "one")
        assert set(manifest["split"]) == expected


def test_no_validation_where_none_is_asked_for():
    spec = SplitSpec(validation_size=0)
    manifest, _ = extend(empty_plan(), cells_of(twenty("d")), "one", spec=spec)
    assert set(manifest["split"]) == {"train", "test"}


def test_both_drawn_sides_have_about_their_share():
    manifest, _ = extend(empty_plan(), cells_of(twenty("d", 100)), "one", spec=SplitSpec(validation_size=0.1))
    assert dict(manifest["split"].value_counts().iter_rows()) == {"train": 85, "validation": 10, "test": 5}


def test_donors_of_a_second_dataset_of_the_collection_keep_their_side():
    first, plan = extend(empty_plan(), cells_of(twenty("d")), "one")
    second, after = extend(plan, cells_of(twenty("d") | twenty("e")), "two")
    assert moved_donors(plan, after).is_empty()
    both = second.join(first, on="donor_uid", suffix="_first")
    assert both["split"].equals(both["split_first"])
    assert both["reason"].str.contains("as published with dataset one").all()
    # 40 donors want two in test and two in validation: one each is there already.
    assert second["split"].value_counts().sort("split").rows() == [
        ("test", 2),
        ("train", 36),
        ("validation", 2),
    ]


def test_nobody_is_drawn_where_those_that_are_there_fill_the_share():
    _, plan = extend(empty_plan(), cells_of(twenty("d", 4)), "one")
    in_test = next(uid for uid, side in sides(plan).items() if side == "test")
    donors = {in_test.removeprefix("c/"): 10, **twenty("e", 5)}
    second, _ = extend(plan, cells_of(donors), "two")
    assert second.filter(split="test")["donor_uid"].to_list() == [in_test]


def test_the_same_donor_id_in_two_collections_is_two_people():
    _, plan = extend(empty_plan(), cells_of({"F41": 10, "M2": 10}, collection="a"), "one")
    _, plan = extend(plan, cells_of({"F41": 10, "M2": 10}, collection="b"), "two")
    assert plan.height == 4
    assert sorted(sides(plan).values()) == ["test", "test", "train", "train"]


def test_a_donor_who_is_known_by_another_id_has_the_side_of_that():
    persons = join_persons([("a/F41", "b/donor 7")])
    _, plan = extend(empty_plan(), cells_of({"F41": 10, "M2": 10, "M3": 10}, collection="a"), "one")
    _, plan = extend(
        plan, cells_of({"donor 7": 10, "x": 10, "y": 10}, collection="b"), "two", persons=persons
    )
    assert sides(plan)["b/donor 7"] == sides(plan)["a/F41"]
    row = plan.filter(pl.col("donor_uids").list.contains("b/donor 7"))
    assert row["component_id"].to_list() == ["a/F41"]


def test_two_ids_of_one_dataset_that_are_one_person_are_drawn_as_one():
    persons = join_persons([("c/d0", "c/d1"), ("c/d1", "c/d2")])
    manifest, plan = extend(empty_plan(), cells_of(twenty("d")), "one", persons=persons)
    assert plan.height == 18
    assert manifest.filter(pl.col("donor_id").is_in(["d0", "d1", "d2"]))["split"].n_unique() == 1


def torn() -> tuple[pl.DataFrame, str, str]:
    """A plan, one donor of test and one of train."""
    _, plan = extend(empty_plan(), cells_of(twenty("d")), "one")
    of = {side: uid for uid, side in sorted(sides(plan).items())}
    return plan, of["test"], of["train"]


@pytest.mark.parametrize("first", ["test", "train"])
def test_the_later_of_two_on_two_sides_goes_into_quarantine(first):
    plan, in_test, in_train = torn()
    earlier, later = (in_test, in_train) if first == "test" else (in_train, in_test)
    plan = pl.concat([plan.filter(component_id=earlier), plan.filter(pl.col("component_id") != earlier)])
    settled = settle(plan, join_persons([(in_test, in_train)]))
    assert sides(settled)[earlier] == first
    row = settled.row(by_predicate=pl.col("component_id") == later, named=True)
    assert (row["split"], row["quarantined_for"]) == (None, earlier)
    assert moved_donors(plan, settled)["donor_uid"].to_list() == [later]
    assert version_of(settled) > version_of(plan)
    assert_frame_equal(settle(settled, join_persons([(in_test, in_train)])), settled)


def test_who_is_in_quarantine_is_on_no_side_of_any_dataset():
    plan, in_test, in_train = torn()
    settled = settle(plan, join_persons([(in_test, in_train)]))
    gone = settled.filter(pl.col("split").is_null())["component_id"][0]
    manifest, after = extend(settled, cells_of(twenty("d")), "two")
    row = manifest.row(by_predicate=pl.col("donor_uid") == gone, named=True)
    assert (row["split"], row["fold"], row["n_eligible"], row["n_quarantined"]) == (None, None, 0, 10)
    assert row["reason"].startswith("on no side: in ")
    assert after.filter(component_id=gone)["split"].to_list() == [None]


def test_two_of_one_side_become_one_and_share_a_fold():
    plan, _, _ = torn()
    one, other = plan.filter(split="train")["component_id"][:2]
    settled = settle(plan, join_persons([(one, other)]))
    assert settled.height == plan.height - 1
    assert moved_donors(plan, settled).is_empty()
    assert settled.filter(component_id=one)["donor_uids"].to_list() == [sorted([one, other])]


@pytest.mark.parametrize(
    ("columns", "setting"),
    [
        ({"tissue_type": "organoid"}, "cultures"),
        ({"tissue_type": "cell line"}, "cultures"),
        ({"genetic_perturbation_id": "p1"}, "perturbed"),
        ({"genetic_perturbation_strategy": "CRISPR knockout screen"}, "perturbed"),
    ],
    ids=["organoid", "cell line", "perturbation", "strategy"],
)
def test_cultures_and_perturbed_cells_are_never_drawn_unless_asked(columns, setting):
    cells = cells_of(twenty("d")).with_columns(pl.lit(value).alias(name) for name, value in columns.items())
    manifest, _ = extend(empty_plan(), cells, "one")
    assert set(manifest["split"]) == {"train"}
    manifest, _ = extend(empty_plan(), cells, "one", spec=SplitSpec(**{setting: "draw"}))
    assert set(manifest["split"]) == {"train", "validation", "test"}


@pytest.mark.parametrize(
    "columns",
    [
        {"tissue_type": "tissue"},
        {"tissue_type": None},
        {"genetic_perturbation_id": "na"},
        {"genetic_perturbation_id": "guide 1", "genetic_perturbation_strategy": "control"},
        {"genetic_perturbation_strategy": "no perturbations"},
    ],
    ids=["tissue", "not said", "na", "control", "none"],
)
def test_tissue_and_controls_are_drawn(columns):
    cells = cells_of(twenty("d")).with_columns(
        pl.lit(value, pl.String).alias(name) for name, value in columns.items()
    )
    manifest, _ = extend(empty_plan(), cells, "one")
    assert set(manifest["split"]) == {"train", "validation", "test"}


def test_sides_from_before_there_was_a_plan_are_kept():
    published = {f"d{i}": "test" if i < 7 else "train" for i in range(20)}
    manifest, plan = extend(empty_plan(), cells_of(twenty("d")), "one", published=published)
    assert sides(plan) == {f"c/{donor}": side for donor, side in published.items()}
    assert set(plan["reason"]) == {"its side since before there was a plan"}
    assert set(manifest["split"]) == {"train", "test"}


def of_donors(manifest: pl.DataFrame) -> dict[str, tuple[str | None, int | None]]:
    """Side and fold of each donor, by the id that the dataset itself gives."""
    return {donor: (side, fold) for donor, side, fold in manifest.select("donor_id", "split", "fold").rows()}


def test_donors_of_a_dataset_that_moves_to_another_collection_keep_side_and_fold():
    first, plan = extend(empty_plan(), cells_of(twenty("d", 30), collection="a"), "one")
    moved = cells_of(twenty("d", 30) | twenty("new", 3), collection="b")
    second, plan = extend(plan, moved, "one", formerly={"a"})
    assert of_donors(first).items() <= of_donors(second).items()
    assert sides(plan)["a/d7"] == sides(plan)["b/d7"]
    # Others of the former collection know the donors still, and so does the dataset when it comes back.
    other, plan = extend(plan, cells_of(twenty("d", 30), collection="a"), "two")
    back, plan = extend(plan, cells_of(twenty("d", 30), collection="a"), "one", formerly={"b"})
    assert of_donors(first) == of_donors(other) == of_donors(back)


def test_a_dataset_that_moves_to_donors_of_the_same_ids_leaves_nobody_on_another_side():
    former, plan = extend(empty_plan(), cells_of(twenty("d"), collection="a"), "one")
    there, plan = extend(plan, cells_of(twenty("d"), collection="b"), "two")
    assert {side for side, _ in (of_donors(former).items() - of_donors(there).items())}, "nothing to settle"
    moved, plan = extend(plan, cells_of(twenty("d"), collection="b"), "one", formerly={"a"})
    stays, after = extend(plan, cells_of(twenty("d"), collection="b"), "two")
    assert_frame_equal(plan, after)
    assert sides_of(plan)["donor_uid"].is_unique().all()
    for donor, (side, _) in of_donors(moved).items():
        was = {of_donors(former)[donor][0], of_donors(there)[donor][0]}
        assert side == (was.pop() if len(was) == 1 else None)
    assert of_donors(moved) == of_donors(stays)


def test_whole_datasets_are_on_one_side_and_every_side_gets_some():
    spec, plan, found = SplitSpec(by="dataset"), empty_plan(), {}
    for i in range(40):
        cells = cells_of({"a": 50, "unknown": 20, None: 30}, collection=f"d{i}")
        manifest, plan = extend(plan, cells, f"d{i}", spec=spec, group_id=f"d{i}")
        assert manifest["split"].n_unique() == 1
        found[f"d{i}"] = manifest["split"][0]
    counts = pl.Series(list(found.values())).value_counts().sort("count")
    assert set(found.values()) == {"train", "validation", "test"}
    assert counts["count"].to_list()[-1] >= 34
    again, _ = extend(plan, cells_of({"a": 50, "b": 5}, collection="d3"), "d3", spec=spec, group_id="d3")
    assert set(again["split"]) == {found["d3"]}


def test_datasets_of_one_collection_are_on_one_side():
    spec, plan = SplitSpec(by="collection"), empty_plan()
    for dataset_id, donors in (("one", {"a": 9}), ("two", {"b": 9}), ("three", {"a": 9, "c": 1})):
        manifest, plan = extend(plan, cells_of(donors), dataset_id, spec=spec, group_id="c")
        assert set(manifest["split"]) == {"train"}
    assert plan["donor_uids"].to_list() == [["c/a", "c/b", "c/c"]]
    manifest, _ = extend(plan, cells_of({"z": 3}, collection="other"), "four", spec=spec, group_id="other")
    assert set(manifest["split"]) == {"test"}


# --- what holds for every corpus

people = st.integers(0, 14)
datasets = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),  # the collection
        st.dictionaries(people, st.integers(1, 12), min_size=1, max_size=14),
        st.booleans(),  # whether the collection calls its donors otherwise
    ),
    min_size=1,
    max_size=8,
)
pairs = st.lists(st.tuples(people, st.sampled_from(["ab", "bc", "ac"])), max_size=6)
always = settings(derandomize=True, max_examples=40, deadline=None)


def corpus(drawn: Sequence[tuple[str, dict[int, int], bool]]) -> dict[str, pl.DataFrame]:
    return {
        f"set{i}": cells_of({f"p{p}": n for p, n in sizes.items()}, collection=collection)
        for i, (collection, sizes, _) in enumerate(drawn)
    }


def evidence(drawn: Sequence[tuple[int, str]]) -> pl.DataFrame:
    return join_persons((f"{pair[0]}/p{person}", f"{pair[1]}/p{person}") for person, pair in drawn)


def assert_nobody_is_on_two_sides(plan: pl.DataFrame, persons: pl.DataFrame) -> None:
    known = sides_of(plan).drop_nulls("split").join(persons, on="donor_uid")
    assert (
        (known.group_by("person").agg(pl.col("split", "fold").n_unique()).drop("person") <= 1)
        .to_numpy()
        .all()
    )
    assert not plan.explode("donor_uids")["donor_uids"].is_duplicated().any()


@always
@given(drawn=datasets, known=pairs, order=st.randoms(use_true_random=False))
def test_published_sides_never_move_whatever_comes_in_which_order(drawn, known, order):
    """Datasets come, are built again and are gone; evidence comes at any time."""
    all_cells, persons, plan = corpus(drawn), evidence(known), empty_plan()
    visits = [name for name in all_cells for _ in range(2)]
    order.shuffle(visits)
    for visit, name in enumerate(visits):
        seen = persons if visit % 3 else NOBODY
        _, after = extend(plan, all_cells[name], name, persons=seen)
        assert moved_donors(plan, after).is_empty()
        plan = after
        if visit == len(visits) // 2:
            settled = settle(plan, persons)
            assert moved_donors(plan, settled)["after"].null_count() == moved_donors(plan, settled).height
            plan = settled
    plan = settle(plan, persons)
    assert_nobody_is_on_two_sides(plan, persons)


@always
@given(drawn=datasets, known=pairs)
def test_with_all_evidence_from_the_start_nobody_goes_into_quarantine(drawn, known):
    persons, plan = evidence(known), empty_plan()
    for name, cells in corpus(drawn).items():
        manifest, plan = extend(plan, cells, name, persons=persons)
        assert manifest["n_quarantined"].sum() == 0
    assert_nobody_is_on_two_sides(plan, persons)
    assert settle(plan, persons)["split"].null_count() == 0


@always
@given(drawn=datasets, order=st.randoms(use_true_random=False))
def test_a_dataset_that_is_gone_comes_back_to_the_same_sides(drawn, order):
    all_cells, plan = corpus(drawn), empty_plan()
    manifests = {}
    for name, cells in all_cells.items():
        manifests[name], plan = extend(plan, cells, name)
    names = sorted(all_cells)
    order.shuffle(names)
    for name in names:
        manifest, after = extend(plan, all_cells[name], name)
        assert_frame_equal(after, plan)
        assert manifest["split"].equals(manifests[name]["split"])
        assert manifest["fold"].equals(manifests[name]["fold"])
